"""Removing orders that have long reached an end."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, delete, select

from app.database import AnyRow
from app.orders.lifecycle import FOREVER_DUE, OrderStatus
from app.orders.model import attempts, orders

# An ended order's `available_at` is always the same date, so in the index of the sweep the ended
# orders of a status lie by id. By the primary key all the others would have to be passed over.
_ENDED: Final = (
    select(orders.c.id, orders.c.completed_at)
    .with_hint(orders, "FORCE INDEX (ix_orders_sweep)", "mysql")
    .where(
        orders.c.status == bindparam("ended_as"),
        orders.c.available_at == FOREVER_DUE,
        orders.c.id > bindparam("after"),
        orders.c.id <= bindparam("up_to"),
    )
    .order_by(orders.c.id)
    .limit(bindparam("row_limit"))
    .with_for_update(skip_locked=True)
)
_IDS: Final[BindParameter[int]] = bindparam("ids", expanding=True, literal_execute=True)
_DELETE_ATTEMPTS: Final = delete(attempts).where(attempts.c.order_row_id.in_(_IDS))
_DELETE: Final = delete(orders).where(orders.c.id.in_(_IDS))


def ended(
    connection: Connection, status: OrderStatus, *, after: int, up_to: int, limit: int
) -> Sequence[AnyRow]:
    """Return `id` and `completed_at` of orders of this status, by id, and keep them as they are.

    Args:
        connection: In a transaction; until its end the orders are locked.
        status: One that is an end.
        after: Only orders with a higher id.
        up_to: Only orders with this id or a lower one.
        limit: How many at most. Fewer are returned only if there are no more.

    """
    bounds = {"ended_as": status, "after": after, "up_to": up_to, "row_limit": limit}
    return connection.execute(_ENDED, bounds).all()


def prune(connection: Connection, row_ids: Sequence[int]) -> None:
    """Delete orders that `ended` has returned, and their attempts."""
    connection.execute(_DELETE_ATTEMPTS, {"ids": row_ids})
    connection.execute(_DELETE, {"ids": row_ids})
