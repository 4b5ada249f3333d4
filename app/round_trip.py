"""Statements in the driver's own words, several in one round trip where it can.

On a batch's way a round trip costs a core of the client 40 us and the waiting threads two switches;
SQLAlchemy's result of an INSERT that returns rows would cost another 100.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from app.dialects import dialect_of
from app.faults import LOST


class Statement(NamedTuple):
    """Text as the driver takes it, with its parameters in a row."""

    sql: str
    parameters: Sequence[object]


class Result(NamedTuple):
    """What one statement has brought."""

    row_count: int
    """Rows matched or written; says nothing where rows are returned."""
    rows: Sequence[Any]
    """Empty for a statement that returns none."""
    row_id: int
    """Of an INSERT of one row: what the database has numbered it; 0 where the driver cannot tell
    (PostgreSQL's)."""


def execute_together(connection: Connection, statements: Sequence[Statement]) -> list[Result]:
    """Run the statements in their order.

    Args:
        connection: Begins a transaction unless it is in one, as with any other statement.
        statements: Any number, also none.

    Raises:
        DBAPIError: One of them failed; those after it were not run.

    """
    if not statements:
        return []
    if not connection.in_transaction():
        connection.begin()
    cursor = connection.connection.cursor()
    try:
        if connection.dialect.name == "mysql":
            return _in_one_text(cursor, statements)
        return [_run(cursor, each) for each in statements]
    except connection.dialect.loaded_dbapi.Error as error:
        if dialect_of(connection.dialect.name).diagnose(error) in LOST:
            connection.invalidate(error)  # it is the next to be drawn from the pool, made anew
        raise _wrapped(connection, error) from error
    finally:
        cursor.close()


def _in_one_text(cursor: DBAPICursor, statements: Sequence[Statement]) -> list[Result]:
    text = ";\n".join([each.sql for each in statements])
    parameters = tuple(chain.from_iterable([each.parameters for each in statements]))
    results = [_run(cursor, Statement(text, parameters))]
    while cursor.nextset():  # raises their errors, too
        results.append(_result(cursor))
    return results


def _run(cursor: DBAPICursor, statement: Statement) -> Result:
    cursor.execute(statement.sql, tuple(statement.parameters))
    return _result(cursor)


def _result(cursor: DBAPICursor) -> Result:
    rows = cursor.fetchall() if cursor.description else ()
    return Result(cursor.rowcount, rows, getattr(cursor, "lastrowid", 0))


def _wrapped(connection: Connection, error: Exception) -> BaseException:
    """Return the error as SQLAlchemy would raise it, without the values of an order."""
    base = connection.dialect.loaded_dbapi.Error
    return DBAPIError.instance(None, None, error, base, hide_parameters=True)
