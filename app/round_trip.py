"""Several statements in one round trip, where the driver can.

Each round trip costs a core of the client 40 us, and the threads that wait for it two switches.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from pymysql.cursors import Cursor
from sqlalchemy import Connection


class Statement(NamedTuple):
    """Text as the driver takes it, with its parameters in a row."""

    sql: str
    parameters: Sequence[object]


class Outcome(NamedTuple):
    """What one statement has brought."""

    row_count: int
    """Rows matched, written or returned."""
    rows: Sequence[Any]
    """Empty for a statement that returns none."""


class EveryOutcome(Cursor):
    """Takes in what all statements of a text have brought, so that no error of theirs is missed."""

    outcomes: list[Outcome]

    def _query(self, q: str) -> int:
        row_count: int = super()._query(q)  # type: ignore[misc]  # the stubs leave it out
        self.outcomes = [self._outcome()]
        while self.nextset():
            self.outcomes.append(self._outcome())
        return row_count

    def _outcome(self) -> Outcome:
        return Outcome(self.rowcount, self._rows or ())  # type: ignore[attr-defined]  # the same


def execute_together(connection: Connection, statements: Sequence[Statement]) -> list[Outcome]:
    """Run the statements in their order.

    Raises:
        DBAPIError: One of them failed; those after it were not run.

    """
    if connection.dialect.name != "mysql" or not statements:
        return [_execute(connection, each) for each in statements]
    text = ";\n".join(each.sql for each in statements)
    parameters = tuple(chain.from_iterable(each.parameters for each in statements))
    with connection.exec_driver_sql(text, parameters) as result:
        outcomes: list[Outcome] = result.context.cursor.outcomes
        return outcomes


def _execute(connection: Connection, statement: Statement) -> Outcome:
    result = connection.exec_driver_sql(statement.sql, tuple(statement.parameters))
    rows = result.all() if result.returns_rows else ()
    return Outcome(result.rowcount, rows)
