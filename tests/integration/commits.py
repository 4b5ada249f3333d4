"""COMMITs whose answer never arrives, and COMMITs that are refused."""

import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

import psycopg
import pymysql
import pytest
from sqlalchemy import Engine


class Commits:
    """Lets the next commits of an engine fail, in the words of its driver; others' succeed."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the engine and its driver; nothing fails until told to."""
        self._dialect = engine.dialect.name
        self._commit = engine.dialect.do_commit
        self._fates: deque[tuple[bool, Exception]] = deque()
        self._meanwhile: Callable[[], object] = lambda: None
        monkeypatch.setattr(engine.dialect, "do_commit", self._do_commit)

    def lose(self, *fates: bool, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Lose as many answers; each commit happened (True) or did not (False).

        `meanwhile` is what others do until it is noticed.
        """
        self._fates.extend((happened, broken(self._dialect)) for happened in fates)
        self._meanwhile = meanwhile

    def refuse(self, *, meanwhile: Callable[[], object]) -> None:
        """Have the next commit rolled back for a conflict; `meanwhile` others do something."""
        self._fates.append((False, conflict(self._dialect)))
        self._meanwhile = meanwhile

    def lose_no_more(self) -> None:
        """Let every commit succeed from now on."""
        self._fates.clear()

    @property
    def all_lost(self) -> bool:
        """Whether as many commits have come as were to fail."""
        return not self._fates

    def _do_commit(self, connection: Any) -> None:
        if not self._fates:
            self._commit(connection)
            return
        happened, error = self._fates.popleft()
        if happened:
            self._commit(connection)
        else:
            connection.rollback()
        to_come, self._fates = self._fates, deque()
        self._meanwhile()
        self._fates = to_come
        raise error


def broken(dialect: str) -> Exception:
    """Return the error of a connection that broke.

    SQLite has none that could; a full disk under its journal is the like of it.
    """
    if dialect == "sqlite":
        return _sqlite_error("disk I/O error", sqlite3.SQLITE_IOERR_FSYNC)
    if dialect == "postgresql":
        return psycopg.OperationalError("server closed the connection unexpectedly")
    return pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")


def conflict(dialect: str) -> Exception:
    """Return the error of a transaction that was in the way of another."""
    if dialect == "sqlite":
        return _sqlite_error("database is locked", sqlite3.SQLITE_BUSY)
    if dialect == "postgresql":
        return psycopg.errors.SerializationFailure("could not serialize access")
    return pymysql.err.OperationalError(1213, "Deadlock found when trying to get lock")


def _sqlite_error(message: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error
