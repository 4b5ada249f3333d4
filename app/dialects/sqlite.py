"""SQLite by the standard library's module."""

import sqlite3
from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

from app.dialects.limits import LOCK_SECONDS
from app.faults import Fault

_FAULTS: Final = {
    Fault.CONFLICT: {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED},
    Fault.EXHAUSTED: {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
    },
}
"""By the primary code of an error."""


def engine_options(_url: URL) -> dict[str, Any]:
    """Return how to connect."""
    return {"connect_args": {"timeout": LOCK_SECONDS}}


def prepare(engine: Engine) -> None:
    """Have COMMIT wait for the disk, and a transaction for its turn."""
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)


def diagnose(error: BaseException | None) -> Fault | None:
    """Return what SQLite's error means for trying again; None if it would come back."""
    if not isinstance(error, sqlite3.Error):
        return None
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return next((fault for fault, codes in _FAULTS.items() if primary_code in codes), None)


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL loses acknowledged orders in a power cut.
    connection.execute("PRAGMA synchronous = FULL")


def _begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first could not wait for it later."""
    reads = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
