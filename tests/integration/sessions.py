"""Connections as the server sees them, and a transaction of which one can tell how often it ran."""

from sqlalchemy import Connection, Engine, text

from app.orders import counters
from tests.integration.moves import OWNER
from tests.servers import DatabaseServer

SESSION = {"mysql": "SELECT CONNECTION_ID()", "postgresql": "SELECT pg_backend_pid()"}
KILL = {"mysql": "KILL {}", "postgresql": "SELECT pg_terminate_backend({}, 5000)"}


def count(connection: Connection) -> None:
    """Do something of which one can tell how often it was done."""
    counters.add(connection, OWNER, counters.Counter({"place": 1}))


def session_of(connection: Connection) -> int:
    """Return the server's number for the connection."""
    return connection.execute(text(SESSION[connection.dialect.name])).scalar_one()


def kill(server: DatabaseServer, engine: Engine, session: int) -> None:
    """Have the server end a connection."""
    server.administer(KILL[engine.dialect.name].format(session))
