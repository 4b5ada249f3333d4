"""Reads: one order by each of its names."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, or_, select

from app.database import AnyRow
from app.orders.errors import OrderNotFoundError
from app.orders.identifiers import LARGEST_INTEGER, may_be_order_id
from app.orders.lifecycle import Draft
from app.orders.model import orders

SHOWN: Final = [
    orders.c[name]
    for name in (
        "id",
        "order_id",
        "user_id",
        "item_ids",
        "total_amount",
        "status",
        "fence",
        "attempts",
        "last_error",
        "created_at",
        "started_at",
        "completed_at",
        "updated_at",
    )
]
"""What of an order is shown."""
NAMES: Final = [orders.c[name] for name in ("id", "order_id")]
"""What an order is called."""
_BY_ID: Final = select(*SHOWN).where(orders.c.id == bindparam("wanted"))
_BY_ORDER_ID: Final = select(*SHOWN).where(orders.c.order_id == bindparam("wanted"))
_COLLIDING: Final = select(*SHOWN, orders.c.idempotency_hash, orders.c.request_hash).where(
    or_(
        orders.c.order_id == bindparam("order_id"),
        orders.c.idempotency_hash == bindparam("idempotency_hash"),
    )
)
_OF_A_BULK: Final = select(
    *[orders.c[name] for name in ("id", "order_id", "created_at")],
    *[orders.c[name] for name in ("idempotency_hash", "request_hash")],
)
_WITH_ORDER_IDS: Final = _OF_A_BULK.where(
    orders.c.order_id.in_(bindparam("order_ids", expanding=True))
)
_WITH_HASHES: Final = _OF_A_BULK.where(
    orders.c.idempotency_hash.in_(bindparam("hashes", expanding=True))
)


def by_id(connection: Connection, row_id: int) -> AnyRow:
    """Return the order with this database id.

    Raises:
        OrderNotFoundError: There is none.

    """
    possible = row_id <= LARGEST_INTEGER
    row = connection.execute(_BY_ID, {"wanted": row_id}).first() if possible else None
    return _found(row, row_id)


def by_order_id(connection: Connection, order_id: str) -> AnyRow:
    """Return the order with this public id.

    Raises:
        OrderNotFoundError: There is none.

    """
    possible = may_be_order_id(order_id)
    row = connection.execute(_BY_ORDER_ID, {"wanted": order_id}).first() if possible else None
    return _found(row, order_id)


def colliding(connection: Connection, draft: Draft) -> Sequence[AnyRow]:
    """Return the orders, two at most, that hold the draft's order id or idempotency key."""
    names = {"order_id": draft.order_id, "idempotency_hash": draft.idempotency_hash}
    return connection.execute(_COLLIDING, names).all()


def rows_of(
    connection: Connection, *, order_ids: Sequence[str], idempotency_hashes: Sequence[bytes]
) -> list[AnyRow]:
    """Return id, keys and hashes of the orders that hold one of the order ids or of the keys."""
    rows = connection.execute(_WITH_ORDER_IDS, {"order_ids": order_ids}).all()
    if not idempotency_hashes:
        return list(rows)
    return [*rows, *connection.execute(_WITH_HASHES, {"hashes": idempotency_hashes})]


def is_row_of(row: AnyRow, draft: Draft) -> bool:
    """Tell whether a COMMIT of this very draft, whose answer was lost, wrote the row."""
    written = (row.order_id, row.created_at, row.request_hash)
    return written == (draft.order_id, draft.created_at, draft.request_hash)


def _found(row: AnyRow | None, name: object) -> AnyRow:
    if row is None:
        raise OrderNotFoundError(f"there is no order {name!r}")
    return row
