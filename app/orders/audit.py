"""The audit: counting the rows, and comparing that with the counters."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from app.orders import counters
from app.orders.lifecycle import OrderStatus, status_counts
from app.orders.model import orders


@dataclass(frozen=True, slots=True)
class Difference:
    """One status whose counter and rows do not agree."""

    status: OrderStatus
    counted: int
    """What the counters say."""
    found: int
    """How many rows there are."""


def audit(connection: Connection) -> list[Difference]:
    """Return where the counters disagree with the table; scans the table.

    On SQLite and under REPEATABLE READ both sides come from one snapshot. Under READ COMMITTED
    they are two statements: it is exact while no order moves in between.
    """
    counted = status_counts(counters.totals(connection))
    rows = connection.execute(select(orders.c.status, func.count()).group_by(orders.c.status))
    found: dict[OrderStatus, int] = dict(rows.tuples().all())
    return [
        Difference(status, counted[status], found.get(status, 0))
        for status in OrderStatus
        if counted[status] != found.get(status, 0)
    ]
