"""Finding orders to work on, and claiming them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from typing import Final

from sqlalchemy import Connection, bindparam, case, select, update

from app.clock import utc_now
from app.database import UtcDateTime
from app.orders.lifecycle import Claim, Hint, OrderStatus
from app.orders.model import HINT_COLUMNS, orders
from app.orders.store.held import held

_NOW: Final = bindparam("now", type_=UtcDateTime)
# `status` stays out of the WHERE: MariaDB and SQLite would choose its index, lock in another
# order and deadlock. The fence says as much.
_CLAIM: Final = (
    update(orders)
    .where(
        orders.c.id.in_(bindparam("ids", expanding=True, literal_execute=True)),
        orders.c.fence == bindparam("expected_fence"),
    )
    .values(
        status=OrderStatus.PROCESSING,
        owner_id=bindparam("owner"),
        fence=orders.c.fence + 1,
        attempts=orders.c.attempts + 1,
        # never before the creation, even if the clock jumped back since
        started_at=case((orders.c.created_at > _NOW, orders.c.created_at), else_=_NOW),
        updated_at=_NOW,
    )
)
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
        parameters = {"ids": ids, "expected_fence": fence, "owner": owner_id, "now": utc_now()}
        rows = connection.execute(_CLAIM, parameters).rowcount
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
