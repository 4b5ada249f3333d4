"""What a person moves: cancelling an order, and sending an ended one round again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from app.clock import utc_now
from app.database import AnyRow, UtcDateTime
from app.orders.identifiers import may_be_order_id
from app.orders.lifecycle import FOREVER_DUE, OrderStatus
from app.orders.model import orders

_MOVABLE: Final = [orders.c[name] for name in ("id", "order_id", "fence", "created_at", "status")]
_LOCK: Final = select(*_MOVABLE).where(orders.c.order_id == bindparam("wanted")).with_for_update()
_LOCK_ALL: Final = (
    select(*_MOVABLE)
    .where(orders.c.id.in_(bindparam("ids", expanding=True, literal_execute=True)))
    .order_by(orders.c.id)
    .with_for_update()
)
_MOVE: Final = update(orders).where(
    orders.c.id == bindparam("row_id"), orders.c.fence == bindparam("seen_fence")
)
_MOVED: Final = {
    "fence": orders.c.fence + 1,
    "owner_id": None,
    "updated_at": bindparam("now", type_=UtcDateTime),
}
_CANCEL: Final = _MOVE.values(
    **_MOVED,
    status=OrderStatus.CANCELLED,
    available_at=FOREVER_DUE,
    completed_at=bindparam("ended", type_=UtcDateTime),
)
_REOPEN: Final = _MOVE.values(
    **_MOVED,
    status=OrderStatus.PENDING,
    attempts=0,
    available_at=FOREVER_DUE,
    started_at=None,
    completed_at=None,
    last_error=None,
)


def lock(connection: Connection, order_id: str) -> AnyRow | None:
    """Return what a move needs to know of the order, and keep its row as it is until the COMMIT."""
    if not may_be_order_id(order_id):
        return None
    return connection.execute(_LOCK, {"wanted": order_id}).first()


def lock_all(connection: Connection, ids: Sequence[int]) -> Sequence[AnyRow]:
    """Return the same for several orders, by database id; who is not there is missing."""
    return connection.execute(_LOCK_ALL, {"ids": sorted(ids)}).all()


def cancel(connection: Connection, rows: Sequence[AnyRow]) -> None:
    """PENDING -> CANCELLED for rows that are locked."""
    now = utc_now()
    connection.execute(
        _CANCEL, [_seen(row, now) | {"ended": max(now, row.created_at)} for row in rows]
    )


def reopen(connection: Connection, rows: Sequence[AnyRow]) -> None:
    """FAILED or CANCELLED -> PENDING, attempts from 0, for rows that are locked."""
    now = utc_now()
    connection.execute(_REOPEN, [_seen(row, now) for row in rows])


def _seen(row: AnyRow, now: datetime) -> dict[str, object]:
    return {"row_id": row.id, "seen_fence": row.fence, "now": now}
