"""The story of one order: itself, and the attempts that did not complete it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.database import AnyRow
from app.orders import queries
from app.orders.model import attempts

MAX_ATTEMPTS_SHOWN: Final = 1000

_ATTEMPTS_OF: Final = (
    select(attempts)
    .where(attempts.c.order_row_id == bindparam("row_id"))
    .order_by(attempts.c.fence)
    .limit(MAX_ATTEMPTS_SHOWN)
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """An order and its past."""

    order: AnyRow
    attempts: Sequence[AnyRow]
    """Those that did not complete it, the first one first."""


def read_timeline(connection: Connection, order_id: str) -> Timeline:
    """Return what is known of the order with this public id.

    Raises:
        OrderNotFoundError: There is none.

    """
    order = queries.by_order_id(connection, order_id)
    return Timeline(order, connection.execute(_ATTEMPTS_OF, {"row_id": order.id}).all())
