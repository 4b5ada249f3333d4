"""Reading back: which rows this worker was the last to move."""

from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.orders.lifecycle import OrderStatus
from app.orders.model import orders

_HELD: Final = select(orders.c.id, orders.c.fence, orders.c.status).where(
    orders.c.id.in_(bindparam("ids", expanding=True, literal_execute=True)),
    orders.c.owner_id == bindparam("owner"),
)


def held(
    connection: Connection, ids: list[int], owner_id: int
) -> dict[int, tuple[int, OrderStatus]]:
    """Return fence and status of those rows that this worker was the last to move."""
    rows = connection.execute(_HELD, {"ids": ids, "owner": owner_id})
    return {row.id: (row.fence, row.status) for row in rows}
