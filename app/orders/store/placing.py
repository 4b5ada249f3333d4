"""Writing orders down.

The statement goes to the driver as text with its parameters in a row: SQLAlchemy's multi-row INSERT
takes twice the time of a batch of 64.
"""

from collections.abc import Sequence
from typing import Final

import orjson
from sqlalchemy import Connection, bindparam, select

from app.database import placeholder
from app.orders.lifecycle import Draft
from app.orders.model import orders

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
_IDS_OF: Final = select(orders.c.order_id, orders.c.id).where(
    orders.c.order_id.in_(bindparam("order_ids", expanding=True))
)


def place(connection: Connection, drafts: Sequence[Draft]) -> list[int]:
    """-> PENDING; returns the rows' ids in the order of the drafts.

    Raises:
        IntegrityError: An `order_id` or an idempotency key is taken; nothing was written.

    """
    row = f"({', '.join([placeholder(connection)] * len(_COLUMNS))})"
    statement = _INSERT + ", ".join([row] * len(drafts))
    values = tuple(value for draft in drafts for value in _values(draft))
    if connection.dialect.insert_returning:
        written = connection.exec_driver_sql(f"{statement} RETURNING order_id, id", values)
    else:
        connection.exec_driver_sql(statement, values)
        written = connection.execute(_IDS_OF, {"order_ids": [draft.order_id for draft in drafts]})
    ids = {row.order_id: row.id for row in written}
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
