"""Writing orders down.

The statement goes to the driver as text with its parameters in a row: SQLAlchemy's multi-row INSERT
takes twice the time of a batch of 64.
"""

from collections.abc import Sequence
from typing import Final

import orjson
from sqlalchemy import Connection

from app.database import placeholder
from app.orders.lifecycle import Draft
from app.round_trip import Statement, execute_together

_COLUMNS: Final = (
    "order_id",
    "user_id",
    "item_ids",
    "total_amount",
    "created_at",
    "updated_at",
    "idempotency_hash",
    "request_hash",
)
_INSERT: Final = f"INSERT INTO orders ({', '.join(_COLUMNS)}) VALUES "  # noqa: S608 -- no value in it
_IDS_OF: Final = "SELECT order_id, id FROM orders WHERE order_id IN ({})"


def place(connection: Connection, drafts: Sequence[Draft], *also: Statement) -> list[int]:
    """-> PENDING; returns the rows' ids in the order of the drafts.

    Args:
        connection: In a transaction.
        drafts: At least one.
        also: To be run in the same round trip.

    Raises:
        IntegrityError: An `order_id` or an idempotency key is taken; nothing was written.

    """
    mark = placeholder(connection)
    row = f"({', '.join([mark] * len(_COLUMNS))})"
    insert = _INSERT + ", ".join([row] * len(drafts))
    values = [value for draft in drafts for value in _values(draft)]
    if len(drafts) == 1 and connection.dialect.name != "postgresql":
        # The driver knows its id; with no rows to read a lone order costs 222 us instead of 265.
        written, *_ = execute_together(connection, [Statement(insert, values), *also])
        return [written.row_id]
    if connection.dialect.insert_returning:
        written, *_ = execute_together(
            connection, [Statement(f"{insert} RETURNING order_id, id", values), *also]
        )
    else:
        order_ids = [draft.order_id for draft in drafts]
        select = _IDS_OF.format(", ".join([mark] * len(drafts)))
        _, written, *_ = execute_together(
            connection, [Statement(insert, values), Statement(select, order_ids), *also]
        )
    ids: dict[str, int] = dict(written.rows)
    return [ids[draft.order_id] for draft in drafts]


def _values(draft: Draft) -> tuple[object, ...]:
    """Return the row in the order of `_COLUMNS`, in types that every driver takes as they are."""
    created_at = draft.created_at.isoformat(" ", "microseconds")
    return (
        draft.order_id,
        draft.user_id,
        orjson.dumps(draft.item_ids).decode(),
        str(draft.total_amount),
        created_at,
        created_at,
        draft.idempotency_hash,
        draft.request_hash,
    )
