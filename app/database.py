"""The engine of each database: drivers, session settings, time limits, column types."""

import sqlite3
from functools import partial
from typing import Any, Final

import psycopg
import pymysql
from flask_sqlalchemy import SQLAlchemy
from psycopg.abc import RV, PQGen
from pymysql.constants import CLIENT
from sqlalchemy import BigInteger, DateTime, Engine, Integer, LargeBinary, Row, String, event
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection

from app.breaker import Breaker, breaker_of
from app.durability import what_endangers
from app.orders.errors import UnavailableError
from app.transactions import LOST, diagnose

LOCK_SECONDS: Final = 3
STATEMENT_SECONDS: Final = 8
SOCKET_SECONDS: Final = 10
IDLE_TRANSACTION_SECONDS: Final = 8
IDLE_CONNECTION_SECONDS: Final = 60
POLL_SECONDS: Final = 0.1
LOOPBACK: Final = frozenset({None, "localhost", "127.0.0.1", "::1"})

db = SQLAlchemy()
AnyRow = Row[*tuple[Any, ...]]

# SQLite counts up by itself only in a column of type INTEGER.
BigId = BigInteger().with_variant(Integer, "sqlite")
# MySQL drops the fraction of a plain DATETIME.
UtcDateTime = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
Hash = LargeBinary(32).with_variant(mysql.BINARY(32), "mysql")


def case_sensitive(length: int, *, charset: str = "utf8mb4") -> String:
    """Return a string type that compares byte by byte; MySQL's default makes `A-1` equal `a-1`."""
    return String(length).with_variant(
        mysql.VARCHAR(length, charset=charset, collation=f"{charset}_bin"), "mysql"
    )


def placeholder(connection: Connection) -> str:
    """Return what stands for a parameter in text that goes to the driver as it is."""
    return "?" if connection.dialect.paramstyle == "qmark" else "%s"


def engine_options(url: URL, *, threads: int) -> dict[str, Any]:
    """Return what `create_engine` takes for this database, for a process with so many threads."""
    pool = {
        "pool_size": threads + 2,
        "max_overflow": 0,
        "pool_timeout": LOCK_SECONDS,
        "pool_use_lifo": True,
        "pool_recycle": IDLE_CONNECTION_SECONDS // 2,
        "hide_parameters": True,  # an error's text goes into the log, an order must not
        "pool_reset_on_return": None,  # every transaction ends itself: saves a ROLLBACK for each
    }
    match url.get_backend_name():
        case "sqlite":
            return pool | {"connect_args": {"timeout": LOCK_SECONDS}}
        case "postgresql":
            return pool | {
                "isolation_level": "READ COMMITTED",
                "connect_args": {
                    "connect_timeout": LOCK_SECONDS,
                    "tcp_user_timeout": SOCKET_SECONDS * 1000,
                    "options": _postgresql_settings(),
                },
            }
        case _:
            return pool | {
                "isolation_level": "READ COMMITTED",
                "connect_args": {
                    # PyMySQL reads all of the machine's certificates for each connection (20 ms);
                    # to one's own machine there is nothing to encrypt.
                    "ssl_disabled": url.host in LOOPBACK and not any("ssl" in k for k in url.query),
                    "connect_timeout": LOCK_SECONDS,
                    "read_timeout": SOCKET_SECONDS,
                    "write_timeout": SOCKET_SECONDS,
                    "charset": "utf8mb4",
                    # The first is SQLAlchemy's own, without which an UPDATE counts what it changes.
                    "client_flag": CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
                },
            }


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that waits `SOCKET_SECONDS` for an answer; a server that stands still has none.

    The server's own time limits cannot help then, and libpq has none for reading.
    """

    def wait(
        self, gen: PQGen[RV], interval: float = POLL_SECONDS, timeout: float | None = None
    ) -> RV:
        """Return the generator's result; raise OperationalError after `timeout` seconds."""
        return super().wait(gen, interval, SOCKET_SECONDS if timeout is None else timeout)


def prepare_engine(engine: Engine) -> None:
    """Have every new connection of the engine start with the session settings we rely on."""
    event.listen(engine, "handle_error", _mark_disconnect)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return
    if engine.dialect.name == "mysql":
        event.listen(engine, "connect", _prepare_mysql)
    else:
        event.listen(engine, "do_connect", _connect_postgresql)
        # Many rows in one statement: psycopg's own way leaves a transaction idle without a limit.
        engine.dialect.use_insertmanyvalues_wo_returning = True
    event.listen(
        engine, "connect", partial(_refuse_unsafe, breaker_of(engine), engine.dialect.name)
    )


def _postgresql_settings() -> str:
    settings = {
        "timezone": "UTC",
        "client_encoding": "UTF8",
        "lock_timeout": f"{LOCK_SECONDS}s",
        "statement_timeout": f"{STATEMENT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS}s",
    }
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


def _mark_disconnect(context: ExceptionContext) -> None:
    """Count as disconnects what SQLAlchemy does not: a server shutting down or gone read-only."""
    if diagnose(context.original_exception) in LOST:
        context.is_disconnect = True


def _prepare_mysql(connection: "pymysql.Connection[Any]", _record: object) -> None:
    settings = {
        "time_zone": "'+00:00'",
        "sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        "innodb_lock_wait_timeout": LOCK_SECONDS,
    }
    if "MariaDB" in connection.get_server_info():  # type: ignore[no-untyped-call]  # the stubs' gap
        settings["max_statement_time"] = STATEMENT_SECONDS
        settings["idle_write_transaction_timeout"] = IDLE_TRANSACTION_SECONDS
    else:
        settings["max_execution_time"] = STATEMENT_SECONDS * 1000
        settings["wait_timeout"] = IDLE_CONNECTION_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION " + ", ".join(f"{k} = {v}" for k, v in settings.items()))


def _refuse_unsafe(
    breaker: Breaker, dialect: str, connection: DBAPIConnection, _record: object
) -> None:
    """Have no connection to a server that would not keep orders as they are."""
    cursor = connection.cursor()
    reason = what_endangers(cursor, dialect)
    cursor.close()
    connection.rollback()  # PostgreSQL's driver has begun a transaction to ask
    if reason is not None:
        breaker.opened_by(reason)
        raise UnavailableError(reason)


def _connect_postgresql(
    _dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]
) -> BoundedConnection:
    return BoundedConnection.connect(*arguments, **options)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin_sqlite` does
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL loses acknowledged orders in a power cut.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not wait for it later."""
    reads = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
