"""Ending a batch of attempts in one statement.

The rows differ (status, times, error), so they come as one JSON parameter: text that never changes,
and each row with its own guard.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Connection

from app.clock import utc_now
from app.database import placeholder
from app.orders.lifecycle import ADOPT, Ending, OrderStatus
from app.orders.store import attempts
from app.orders.store.held import held
from app.round_trip import Statement, execute_together

# The parameter's columns carry names of their own, so that SET needs no table before a column.
_SET: Final = """
    status = new_status, fence = fence + 1, owner_id = {0}, solo = new_solo,
    available_at = new_available_at, started_at = new_started_at,
    completed_at = new_completed_at, last_error = new_error, updated_at = {0}
"""
# Arrays, since names in each of the rows would take twice the time on both sides. In bytes, which
# PyMySQL writes in hex: it takes a fifth of an ending's time on the client to escape their quotes.
_MYSQL: Final = f"""
UPDATE JSON_TABLE(CONVERT({{0}} USING utf8mb4), '$[*]' COLUMNS (
    row_id BIGINT PATH '$[0]', held_fence INT PATH '$[1]',
    new_status VARCHAR(10) PATH '$[2]', new_solo INT PATH '$[3]',
    new_error VARCHAR(500) CHARACTER SET utf8mb4 PATH '$[4]',
    new_available_at DATETIME(6) PATH '$[5]', new_started_at DATETIME(6) PATH '$[6]',
    new_completed_at DATETIME(6) PATH '$[7]')) AS ending
STRAIGHT_JOIN orders FORCE INDEX (PRIMARY) ON orders.id = row_id AND fence = held_fence
SET {_SET}
"""  # noqa: S608 -- no value is in the text
# STRAIGHT_JOIN locks in the order of the parameter. Without FORCE INDEX a table of a few rows, or
# one whose statistics say so, would be scanned, and the statement wait for rows of others.

_POSTGRESQL: Final = f"""
UPDATE orders SET {_SET}
FROM (SELECT (value ->> 0)::BIGINT AS row_id, (value ->> 1)::INT AS held_fence,
             value ->> 2 AS new_status, (value ->> 3)::BOOLEAN AS new_solo,
             value ->> 4 AS new_error, (value ->> 5)::TIMESTAMP AS new_available_at,
             (value ->> 6)::TIMESTAMP AS new_started_at,
             (value ->> 7)::TIMESTAMP AS new_completed_at
      FROM json_array_elements(CAST({{0}} AS JSON))) AS ending
WHERE id = row_id AND fence = held_fence
"""  # noqa: S608 -- no value is in the text

_SQLITE: Final = f"""
UPDATE orders SET {_SET}
FROM (SELECT value ->> 0 AS row_id, value ->> 1 AS held_fence, value ->> 2 AS new_status,
             value ->> 3 AS new_solo, value ->> 4 AS new_error, value ->> 5 AS new_available_at,
             value ->> 6 AS new_started_at, value ->> 7 AS new_completed_at
      FROM json_each({{0}})) AS ending
WHERE id = row_id AND fence = held_fence
"""  # noqa: S608 -- no value is in the text

SETTLE: Final = {"mysql": _MYSQL, "postgresql": _POSTGRESQL, "sqlite": _SQLITE}
"""By the dialect's name."""


def settle(
    connection: Connection, endings: Sequence[Ending], *, owner_id: int
) -> tuple[list[Ending], list[Ending]]:
    """PROCESSING -> where each ending leads, for the claims still held.

    Returns:
        The endings that moved a row now, and those that were stale: taken over by another
        worker. One that an earlier, lost COMMIT had already written is in neither list.

    """
    endings = in_order(endings)
    moved = end(connection, endings, owner_id=owner_id)
    return judge(connection, endings, moved, owner_id=owner_id)


def end(connection: Connection, endings: Sequence[Ending], *, owner_id: int | None) -> int:
    """PROCESSING -> where each ending leads, as far as its fence holds; returns how many moved.

    Args:
        connection: In a transaction.
        endings: In ascending order of their rows' ids.
        owner_id: The worker that moves its own orders; None if another moves them for it.

    """
    (result,) = execute_together(connection, [ending(connection, endings, owner_id=owner_id)])
    return result.row_count


def in_order(endings: Sequence[Ending]) -> list[Ending]:
    """Return the endings in the order in which their rows are to be locked."""
    return sorted(endings, key=lambda each: each.claim.hint.id)


def ending(connection: Connection, endings: Sequence[Ending], *, owner_id: int | None) -> Statement:
    """Return the statement that moves all of these, in their order, as far as the fences hold."""
    dialect = connection.dialect.name
    rows = orjson.dumps([_row(each) for each in endings])
    now = _sql_date(utc_now())
    in_text = (rows, owner_id, now) if dialect == "mysql" else (owner_id, now, rows.decode())
    return Statement(SETTLE[dialect].format(placeholder(connection)), in_text)


def judge(
    connection: Connection, endings: Sequence[Ending], moved: int, *, owner_id: int
) -> tuple[list[Ending], list[Ending]]:
    """Return what `settle` does, after so many rows have moved."""
    if moved == len(endings):
        attempts.record(connection, endings)
        return list(endings), []
    last_moved = held(connection, [each.claim.hint.id for each in endings], owner_id)
    mine: list[Ending] = []
    stale: list[Ending] = []
    for each in endings:
        expected = (each.claim.fence + 1, each.transition.target)
        (mine if last_moved.get(each.claim.hint.id) == expected else stale).append(each)
    if not moved:
        return [], stale
    attempts.record(connection, mine)
    return mine, stale


def _row(each: Ending) -> tuple[object, ...]:
    ended = each.transition.target is not OrderStatus.PENDING
    return (
        each.claim.hint.id,
        each.claim.fence,
        each.transition.target,
        each.transition is ADOPT or each.claim.hint.solo,
        each.error,
        _sql_date(each.available_at),
        _sql_date(each.started_at) if ended else None,
        _sql_date(each.ended_at) if ended else None,
    )


def _sql_date(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "microseconds")
