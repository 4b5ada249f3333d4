"""PostgreSQL by psycopg."""

from typing import Any, Final

import psycopg
from psycopg.abc import RV, PQGen
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL

from app.dialects.limits import (
    IDLE_TRANSACTION_SECONDS,
    LOCK_SECONDS,
    SOCKET_SECONDS,
    STATEMENT_SECONDS,
)
from app.durability import Durability, refuse_unsafe
from app.faults import Fault

POLL_SECONDS: Final = 0.1
_SESSION: Final = {
    "timezone": "UTC",
    "client_encoding": "UTF8",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
}
_DURABILITY: Final[Durability] = {
    "synchronous_commit": (
        "current_setting('synchronous_commit')",
        {"on", "local", "remote_write", "remote_apply"},
    ),
    "fsync": ("current_setting('fsync')", {"on"}),
    # Another has not got every letter, or counts bytes.
    "server_encoding": ("current_setting('server_encoding')", {"UTF8"}),
}
_FAULTS: Final = {
    Fault.CONFLICT: ("40001", "40P01", "55P03"),
    Fault.GONE: ("08", "25P03", "57P"),
    Fault.READ_ONLY: ("25006",),
    Fault.EXHAUSTED: ("53", "54", "57014", "58"),
}
"""By the beginning of an error's state."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits `SOCKET_SECONDS` for an answer; a server that stands still has none.

    The server's own time limits cannot help then, and libpq has none for reading.
    """

    def wait(
        self, gen: PQGen[RV], interval: float = POLL_SECONDS, timeout: float | None = None
    ) -> RV:
        """Return the generator's result; raise OperationalError after `timeout` seconds."""
        return super().wait(gen, interval, SOCKET_SECONDS if timeout is None else timeout)


def engine_options(_url: URL) -> dict[str, Any]:
    """Return how to connect, and the isolation level."""
    return {
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            "connect_timeout": LOCK_SECONDS,
            "tcp_user_timeout": SOCKET_SECONDS * 1000,
            "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
        },
    }


def prepare(engine: Engine) -> None:
    """Have answers bounded in time, from a server that keeps what it commits."""
    event.listen(engine, "do_connect", _connect)
    # Many rows in one statement: psycopg's own way leaves a transaction idle without a limit.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    refuse_unsafe(engine, _DURABILITY)


def diagnose(error: BaseException | None) -> Fault | None:
    """Return what psycopg's error means for trying again; None if it would come back."""
    if not isinstance(error, psycopg.Error):
        return None
    state = error.sqlstate
    if state is None:  # the server said nothing: the connection itself failed
        return Fault.GONE if isinstance(error, psycopg.OperationalError) else None
    return next((f for f, prefixes in _FAULTS.items() if state.startswith(prefixes)), None)


def _connect(
    _dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]
) -> BoundedConnection:
    return BoundedConnection.connect(*arguments, **options)
