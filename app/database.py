"""The engine: its pool, what is the same for every database, the types of columns."""

from typing import Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Engine, Integer, LargeBinary, Row, String, event
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import URL, Connection, ExceptionContext

from app.dialects import dialect_of
from app.dialects.limits import IDLE_CONNECTION_SECONDS, LOCK_SECONDS
from app.faults import LOST

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
    return pool | dialect_of(url.get_backend_name()).engine_options(url)


def prepare_engine(engine: Engine) -> None:
    """Have every new connection of the engine start with the session settings we rely on."""
    event.listen(engine, "handle_error", _mark_disconnect)
    dialect_of(engine.dialect.name).prepare(engine)


def _mark_disconnect(context: ExceptionContext) -> None:
    """Count as disconnects what SQLAlchemy does not: a server shutting down or gone read-only."""
    if dialect_of(context.dialect.name).diagnose(context.original_exception) in LOST:
        context.is_disconnect = True
