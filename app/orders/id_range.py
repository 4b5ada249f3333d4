"""From times to ids: `created_at` has no index, but ids grow with it, nearly.

A binary search on the primary key finds where in the table a time lies.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, func, select

from app.orders.identifiers import LARGEST_INTEGER
from app.orders.model import orders

DISORDER: Final = timedelta(seconds=30)
"""No order was created by more than this after one with a higher id: a request waits 15 s at most
until it is written, the rest is for clocks that differ."""

_NEXT: Final = (
    select(orders.c.id, orders.c.created_at)
    .where(orders.c.id >= bindparam("lowest"))
    .order_by(orders.c.id)
    .limit(1)
)
_NEWEST: Final = select(func.max(orders.c.id))


class IdRange(NamedTuple):
    """Ids from `lowest` to `highest`, both included; empty if `lowest` is above."""

    lowest: int = 1
    highest: int = LARGEST_INTEGER

    def below(self, row_id: int) -> "IdRange":
        """Return the part before this id."""
        return IdRange(self.lowest, min(self.highest, row_id - 1))

    def above(self, row_id: int) -> "IdRange":
        """Return the part behind this id."""
        return IdRange(max(self.lowest, row_id + 1), self.highest)


def ids_between(
    connection: Connection, earliest: datetime | None, latest: datetime | None
) -> IdRange:
    """Return a range of ids with every order created between the two moments, and few others.

    Args:
        connection: In a transaction.
        earliest: UTC; None for no bound.
        latest: UTC; None for no bound.

    """
    ids = IdRange()
    if earliest is not None:
        ids = ids.above(_last(connection, lambda created: created + DISORDER < earliest))
    if latest is not None:
        ids = ids.below(_last(connection, lambda created: created - DISORDER <= latest) + 1)
    return ids


def newest_id(connection: Connection) -> int:
    """Return the highest id of the table, 0 if it is empty."""
    return int(connection.execute(_NEWEST).scalar() or 0)


def _last(connection: Connection, early: Callable[[datetime], bool]) -> int:
    """Return an id up to which orders are early and behind which they are not, 0 if none is."""
    low, high = 0, newest_id(connection)
    while low < high:
        middle = (low + high + 1) // 2
        row = connection.execute(_NEXT, {"lowest": middle}).first()
        if row is not None and early(row.created_at):
            low = row.id
        else:
            high = middle - 1
    return low
