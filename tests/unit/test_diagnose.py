"""What each driver's errors mean for trying again."""

import sqlite3

import psycopg
import pymysql
import pytest

from app.dialects import dialect_of, mysql, postgresql, sqlite
from app.faults import Fault

MYSQL = {
    Fault.CONFLICT: {
        1020: "record has changed since last read",
        1205: "lock wait timeout",
        1213: "deadlock",
    },
    Fault.GONE: {
        0: "packet sequence broken",
        1053: "server shutdown in progress",
        1927: "connection was killed",
        2002: "no socket",
        2003: "no connection",
        2006: "has gone away",
        2013: "lost connection",
        2055: "lost connection, with a reason",
        4031: "disconnected for inactivity",
    },
    Fault.READ_ONLY: {1290: "read only", 1836: "read only mode"},
    Fault.EXHAUSTED: {
        1021: "disk full",
        1040: "too many connections",
        1114: "table is full",
        1129: "host is blocked",
        1203: "user has too many connections",
        1317: "query interrupted",
        1969: "max_statement_time exceeded",
        3024: "max_execution_time exceeded",
    },
    None: {
        1045: "access denied",
        1062: "duplicate entry",
        1064: "syntax error",
        1146: "no such table",
        1264: "out of range",
        1366: "incorrect value",
        1406: "data too long",
        4025: "constraint failed",
        3819: "check constraint violated",
    },
}
POSTGRESQL = {
    Fault.CONFLICT: ["40001", "40P01", "55P03"],
    Fault.GONE: ["08000", "08003", "08006", "25P03", "57P01", "57P02", "57P03"],
    Fault.READ_ONLY: ["25006"],
    Fault.EXHAUSTED: ["53100", "53200", "53300", "54000", "57014", "58030"],
    None: ["22001", "22003", "22P05", "23505", "23514", "42601", "42P01", "28P01"],
}
SQLITE = {
    Fault.CONFLICT: [
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_BUSY_SNAPSHOT,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_LOCKED_SHAREDCACHE,
    ],
    Fault.EXHAUSTED: [
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_READONLY_DBMOVED,
    ],
    None: [
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT_UNIQUE,
        sqlite3.SQLITE_CONSTRAINT_CHECK,
    ],
}


@pytest.mark.parametrize(
    ("number", "text", "fault"),
    [(number, text, fault) for fault, numbers in MYSQL.items() for number, text in numbers.items()],
)
def test_mysql_says_it_with_a_number(number: int, text: str, fault: Fault | None) -> None:
    assert mysql.diagnose(pymysql.err.OperationalError(number, text)) is fault


def test_a_mysql_connection_that_was_closed_is_gone() -> None:
    assert mysql.diagnose(pymysql.err.InterfaceError(0, "")) is Fault.GONE


@pytest.mark.parametrize(
    ("state", "fault"), [(state, fault) for fault, states in POSTGRESQL.items() for state in states]
)
def test_postgresql_says_it_with_a_state(state: str, fault: Fault | None) -> None:
    assert postgresql.diagnose(psycopg.errors.lookup(state)("said by the server")) is fault


def test_a_postgresql_connection_that_broke_says_nothing_and_is_gone() -> None:
    assert postgresql.diagnose(psycopg.OperationalError("the connection is closed")) is Fault.GONE


def test_a_value_that_psycopg_itself_refuses_would_come_back() -> None:
    assert postgresql.diagnose(psycopg.DataError("cannot contain NUL")) is None


@pytest.mark.parametrize(
    ("code", "fault"), [(code, fault) for fault, codes in SQLITE.items() for code in codes]
)
def test_sqlite_says_it_with_a_code(code: int, fault: Fault | None) -> None:
    error = sqlite3.OperationalError("said by the library")
    error.sqlite_errorcode = code
    assert sqlite.diagnose(error) is fault


@pytest.mark.parametrize("dialect", ["mysql", "postgresql", "sqlite"])
@pytest.mark.parametrize("error", [None, ValueError("2006"), sqlite3.ProgrammingError("closed")])
def test_what_no_database_said_would_come_back(error: Exception | None, dialect: str) -> None:
    assert dialect_of(dialect).diagnose(error) is None
