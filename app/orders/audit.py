"""The audit: counting the rows, and comparing that with the counters."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, String, cast, func, literal, select, union_all

from app.orders.counters import pruned
from app.orders.lifecycle import ENDS, OrderStatus, status_counts
from app.orders.model import counters, orders

# One statement sees one snapshot on every database, so orders may move meanwhile.
_BOTH_SIDES: Final = union_all(
    select(literal("rows").label("side"), cast(orders.c.status, String(32)), func.count()).group_by(
        orders.c.status
    ),
    select(literal("counters"), counters.c.name, func.sum(counters.c.value)).group_by(
        counters.c.name
    ),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One status whose counter and rows do not agree."""

    status: OrderStatus
    counted: int
    """How many rows there should be by the counters, which know how many were pruned."""
    found: int
    """How many rows there are."""


def audit(connection: Connection) -> list[Difference]:
    """Return where the counters disagree with the table; scans the table."""
    sides: dict[str, dict[str, int]] = {"rows": {}, "counters": {}}
    for side, name, value in connection.execute(_BOTH_SIDES):
        sides[side][name] = int(value)
    counted, found = status_counts(sides["counters"]), sides["rows"]
    for status in ENDS:
        counted[status] -= sides["counters"].get(pruned(status), 0)
    return [
        Difference(status, counted[status], found.get(status, 0))
        for status in OrderStatus
        if counted[status] != found.get(status, 0)
    ]
