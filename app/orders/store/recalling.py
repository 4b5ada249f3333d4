"""Bringing back retries that were put off further than any backoff: the clock was wrong then."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from app.database import UtcDateTime
from app.orders.lifecycle import OrderStatus
from app.orders.model import orders

RECALLED_AT_ONCE: Final = 1000

_TOO_LATE: Final = (
    select(orders.c.id)
    .with_hint(orders, "FORCE INDEX (ix_orders_sweep)", "mysql")
    .where(
        orders.c.status == OrderStatus.PENDING,
        orders.c.available_at > bindparam("latest", type_=UtcDateTime),
    )
    .order_by(orders.c.available_at, orders.c.id)
    .limit(RECALLED_AT_ONCE)
    .with_for_update(skip_locked=True)
)
_RECALL: Final = (
    update(orders)
    .where(orders.c.id.in_(bindparam("ids", expanding=True, literal_execute=True)))
    .values(available_at=bindparam("now", type_=UtcDateTime))
)


def recall(connection: Connection, *, now: datetime, latest: datetime) -> int:
    """Make PENDING orders due now whose time is after the latest that there can be.

    Returns:
        How many there were, at most `RECALLED_AT_ONCE`; the next call finds the others.

    """
    ids = sorted(connection.execute(_TOO_LATE, {"latest": latest}).scalars())
    if ids:
        connection.execute(_RECALL, {"ids": ids, "now": now})
    return len(ids)
