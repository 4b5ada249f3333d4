"""Ending a batch of attempts in one statement.

The rows differ (status, times, error), so they come as one JSON parameter: one round trip on every
database, text that never changes, and each row with its own guard.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import Connection, TextClause, bindparam, text

from app.clock import utc_now
from app.database import UtcDateTime
from app.orders.lifecycle import ADOPT, Ending, OrderStatus
from app.orders.store import attempts
from app.orders.store.held import held

# The parameter's columns carry names of their own, so that SET needs no table before a column.
_SET: Final = """
    status = new_status, fence = fence + 1, owner_id = :owner, solo = new_solo,
    available_at = new_available_at, started_at = new_started_at,
    completed_at = new_completed_at, last_error = new_error, updated_at = :now
"""

_MYSQL: Final = f"""
UPDATE JSON_TABLE(:endings, '$[*]' COLUMNS (
    row_id BIGINT PATH '$.row_id', held_fence INT PATH '$.held_fence',
    new_status VARCHAR(10) PATH '$.new_status', new_solo INT PATH '$.new_solo',
    new_error VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.new_error',
    new_available_at DATETIME(6) PATH '$.new_available_at',
    new_started_at DATETIME(6) PATH '$.new_started_at',
    new_completed_at DATETIME(6) PATH '$.new_completed_at')) AS ending
STRAIGHT_JOIN orders FORCE INDEX (PRIMARY) ON orders.id = row_id AND fence = held_fence
SET {_SET}
"""  # noqa: S608 -- no value is in the text
# STRAIGHT_JOIN locks in the order of the parameter. Without FORCE INDEX a table of a few rows, or
# one whose statistics say so, would be scanned, and the statement wait for rows of others.

_POSTGRESQL: Final = f"""
UPDATE orders SET {_SET}
FROM json_to_recordset(CAST(:endings AS JSON)) AS ending(
    row_id BIGINT, held_fence INT, new_status TEXT, new_solo BOOLEAN, new_error TEXT,
    new_available_at TIMESTAMP, new_started_at TIMESTAMP, new_completed_at TIMESTAMP)
WHERE id = row_id AND fence = held_fence
"""  # noqa: S608 -- no value is in the text

_SQLITE: Final = f"""
UPDATE orders SET {_SET}
FROM (SELECT value ->> 'row_id' AS row_id, value ->> 'held_fence' AS held_fence,
             value ->> 'new_status' AS new_status, value ->> 'new_solo' AS new_solo,
             value ->> 'new_error' AS new_error,
             value ->> 'new_available_at' AS new_available_at,
             value ->> 'new_started_at' AS new_started_at,
             value ->> 'new_completed_at' AS new_completed_at
      FROM json_each(:endings)) AS ending
WHERE id = row_id AND fence = held_fence
"""  # noqa: S608 -- no value is in the text

SETTLE: Final[dict[str, TextClause]] = {
    dialect: text(sql).bindparams(bindparam("now", type_=UtcDateTime))
    for dialect, sql in (("mysql", _MYSQL), ("postgresql", _POSTGRESQL), ("sqlite", _SQLITE))
}
"""By the dialect's name. Parameters: `endings`, a JSON list of objects; `owner`, a worker's id or
None; `now`."""


def settle(
    connection: Connection, endings: Sequence[Ending], *, owner_id: int
) -> tuple[list[Ending], list[Ending]]:
    """PROCESSING -> where each ending leads, for the claims still held.

    Returns:
        The endings that moved a row now, and those that were stale: taken over by another
        worker. One that an earlier, lost COMMIT had already written is in neither list.

    """
    endings = sorted(endings, key=lambda ending: ending.claim.hint.id)
    moved = end(connection, endings, owner_id=owner_id)
    if moved == len(endings):
        attempts.record(connection, endings)
        return endings, []
    last_moved = held(connection, [ending.claim.hint.id for ending in endings], owner_id)
    mine: list[Ending] = []
    stale: list[Ending] = []
    for ending in endings:
        expected = (ending.claim.fence + 1, ending.transition.target)
        (mine if last_moved.get(ending.claim.hint.id) == expected else stale).append(ending)
    if not moved:
        return [], stale
    attempts.record(connection, mine)
    return mine, stale


def end(connection: Connection, endings: Sequence[Ending], *, owner_id: int | None) -> int:
    """PROCESSING -> where each ending leads, as far as its fence holds; returns how many moved.

    Args:
        connection: In a transaction.
        endings: In ascending order of their rows' ids.
        owner_id: The worker that moves its own orders; None if another moves them for it.

    """
    return connection.execute(
        SETTLE[connection.dialect.name], _parameters(endings, owner_id)
    ).rowcount


def _parameters(endings: Iterable[Ending], owner_id: int | None) -> dict[str, object]:
    rows = orjson.dumps([_ending_row(ending) for ending in endings]).decode()
    return {"endings": rows, "owner": owner_id, "now": utc_now()}


def _ending_row(ending: Ending) -> dict[str, object]:
    ended = ending.transition.target is not OrderStatus.PENDING
    return {
        "row_id": ending.claim.hint.id,
        "held_fence": ending.claim.fence,
        "new_status": ending.transition.target,
        "new_solo": ending.transition is ADOPT,
        "new_error": ending.error,
        "new_available_at": _sql_date(ending.available_at),
        "new_started_at": _sql_date(ending.started_at) if ended else None,
        "new_completed_at": _sql_date(ending.ended_at) if ended else None,
    }


def _sql_date(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "microseconds")
