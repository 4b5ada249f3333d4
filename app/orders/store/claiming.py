"""Finding orders to work on, and claiming them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.clock import utc_now
from app.database import UtcDateTime, placeholder
from app.orders.lifecycle import Claim, Hint, OrderStatus
from app.orders.model import HINT_COLUMNS, orders
from app.orders.store.held import held

# `status` stays out of the WHERE: MariaDB and SQLite would choose its index, lock in another
# order and deadlock. The fence says as much. The ids stand in the text: to have SQLAlchemy expand
# the list takes as long as all the rest of a claim.
_CLAIM: Final = """
UPDATE orders SET status = 'PROCESSING', owner_id = {0}, fence = fence + 1, attempts = attempts + 1,
    -- never before the creation, even if the clock jumped back since
    started_at = CASE WHEN created_at > {0} THEN created_at ELSE {0} END, updated_at = {0}
WHERE id IN ({ids}) AND fence = {0}
"""
_NOW: Final = bindparam("now", type_=UtcDateTime)
_DUE: Final = (
    select(*HINT_COLUMNS)
    .where(orders.c.status == OrderStatus.PENDING, orders.c.available_at <= _NOW)
    .order_by(orders.c.available_at, orders.c.id)
    .limit(bindparam("row_limit"))
    .with_for_update(skip_locked=True)
)


def claim(
    connection: Connection, hints: Iterable[Hint], *, owner_id: int
) -> tuple[list[Claim], int]:
    """PENDING -> PROCESSING for the hints that are still true.

    Returns:
        The claims that are held now, by fence and id, and how many rows moved. They differ when an
        earlier COMMIT of the same claims had got through: then they are held and none moves.

    """
    by_fence: dict[int, list[Hint]] = defaultdict(list)
    for hint in sorted({each.id: each for each in hints}.values(), key=lambda each: each.id):
        by_fence[hint.fence].append(hint)
    claims: list[Claim] = []
    moved = 0
    for fence, group in by_fence.items():
        ids = [hint.id for hint in group]
        rows = _move(connection, ids, fence=fence, owner_id=owner_id)
        won = [Claim(hint) for hint in group]
        if rows != len(group):
            mine = held(connection, ids, owner_id)
            won = [c for c in won if mine.get(c.hint.id) == (c.fence, OrderStatus.PROCESSING)]
        claims += won
        moved += rows
    return claims, moved


def due(connection: Connection, *, limit: int, now: datetime) -> tuple[list[Hint], bool]:
    """Find PENDING orders that nobody else is about to claim, and lock them.

    An order to be worked on alone comes alone.

    Returns:
        Hints, oldest first, and whether there may be more orders behind them.

    """
    rows = connection.execute(_DUE, {"now": now, "row_limit": limit})
    hints = [Hint(*row) for row in rows]
    if hints and hints[0].solo:
        first = hints[:1]
    else:
        first = list(takewhile(lambda hint: not hint.solo, hints))
    return first, len(hints) == limit or len(first) < len(hints)


def _move(connection: Connection, ids: list[int], *, fence: int, owner_id: int) -> int:
    """PENDING -> PROCESSING as far as the fence holds; returns how many moved."""
    now = utc_now().isoformat(" ", "microseconds")
    statement = _CLAIM.format(placeholder(connection), ids=", ".join(map(str, ids)))
    return connection.exec_driver_sql(statement, (owner_id, now, now, now, fence)).rowcount
