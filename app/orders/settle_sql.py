"""The one statement that ends a batch of attempts.

Its rows differ (status, times, error), so they come as one JSON parameter: one round trip on
every database, text that never changes, and each row with its own guard.
"""

from typing import Final

from sqlalchemy import TextClause, bindparam, text

from app.database import UtcDateTime

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
    new_error VARCHAR(500) PATH '$.new_error',
    new_available_at DATETIME(6) PATH '$.new_available_at',
    new_started_at DATETIME(6) PATH '$.new_started_at',
    new_completed_at DATETIME(6) PATH '$.new_completed_at')) AS ending
STRAIGHT_JOIN orders ON orders.id = row_id AND fence = held_fence
SET {_SET}
"""  # noqa: S608 -- no value is in the text; STRAIGHT_JOIN locks in the order of the parameter

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
