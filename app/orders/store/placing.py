"""Writing orders down."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from app.orders.lifecycle import Draft
from app.orders.model import orders

_INSERT: Final = insert(orders)
_INSERT_RETURNING: Final = _INSERT.returning(orders.c.order_id, orders.c.id)
_IDS_OF: Final = select(orders.c.order_id, orders.c.id).where(
    orders.c.order_id.in_(bindparam("order_ids", expanding=True))
)


def place(connection: Connection, drafts: Sequence[Draft]) -> list[int]:
    """-> PENDING; returns the rows' ids in the order of the drafts.

    Raises:
        IntegrityError: An `order_id` or an idempotency key is taken; nothing was written.

    """
    rows = [
        {
            "order_id": draft.order_id,
            "user_id": draft.user_id,
            "item_ids": draft.item_ids,
            "total_amount": draft.total_amount,
            "created_at": draft.created_at,
            "updated_at": draft.created_at,
            "idempotency_hash": draft.idempotency_hash,
            "request_hash": draft.request_hash,
        }
        for draft in drafts
    ]
    if connection.dialect.insert_returning:
        written = connection.execute(_INSERT_RETURNING, rows)
    else:
        connection.execute(_INSERT, rows)
        written = connection.execute(_IDS_OF, {"order_ids": [draft.order_id for draft in drafts]})
    ids = {row.order_id: row.id for row in written}
    return [ids[draft.order_id] for draft in drafts]
