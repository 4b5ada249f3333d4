"""Finding orders to work on, and claiming them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.clock import utc_now
from app.database import UtcDateTime, placeholder
from app.orders.lifecycle import FOREVER_DUE, Claim, Hint, OrderStatus
from app.orders.model import HINT_COLUMNS, orders
from app.orders.store.held import held
from app.round_trip import Statement, execute_together

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
_IS_DUE: Final = (orders.c.status == OrderStatus.PENDING) & (orders.c.available_at <= _NOW)
_IS_RETRY: Final = orders.c.available_at > FOREVER_DUE
_DUE: Final = (
    select(*HINT_COLUMNS, orders.c.available_at)
    .where(_IS_DUE)
    .order_by(orders.c.available_at, orders.c.id)
    .limit(bindparam("row_limit"))
    .with_for_update(skip_locked=True)
)
_DUE_AGAIN: Final = _DUE.where(_IS_RETRY)
# Asked first, without locks: looking for rows to lock goes on through all that others have locked.
_IS_ANY_DUE_AGAIN: Final = select(orders.c.id).where(_IS_DUE, _IS_RETRY).limit(1)


def claim(
    connection: Connection, hints: Iterable[Hint], *, owner_id: int
) -> tuple[list[Claim], int]:
    """PENDING -> PROCESSING for the hints that are still true.

    Returns:
        The claims that are held now, by fence and id, and how many rows moved. They differ when an
        earlier COMMIT of the same claims had got through: then they are held and none moves.

    """
    groups = by_fence(hints)
    outcomes = execute_together(
        connection, [claiming(connection, group, owner_id=owner_id) for group in groups]
    )
    return judge(connection, groups, [each.row_count for each in outcomes], owner_id=owner_id)


def by_fence(hints: Iterable[Hint]) -> list[list[Hint]]:
    """Return the hints, each row's once, by their fence and in the order of their rows' ids."""
    groups: dict[int, list[Hint]] = defaultdict(list)
    for hint in sorted({each.id: each for each in hints}.values(), key=lambda each: each.id):
        groups[hint.fence].append(hint)
    return list(groups.values())


def claiming(connection: Connection, group: Sequence[Hint], *, owner_id: int) -> Statement:
    """Return the statement that claims these, which have one fence, as far as it holds."""
    now = utc_now().isoformat(" ", "microseconds")
    sql = _CLAIM.format(placeholder(connection), ids=", ".join([str(hint.id) for hint in group]))
    return Statement(sql, (owner_id, now, now, now, group[0].fence))


def judge(
    connection: Connection, groups: Iterable[Sequence[Hint]], moved: Iterable[int], *, owner_id: int
) -> tuple[list[Claim], int]:
    """Return what `claim` does, after so many rows of each group have moved."""
    claims: list[Claim] = []
    in_all = 0
    for group, rows in zip(groups, moved, strict=True):
        won = [Claim(hint) for hint in group]
        if rows != len(group):
            mine = held(connection, [hint.id for hint in group], owner_id)
            won = [c for c in won if mine.get(c.hint.id) == (c.fence, OrderStatus.PROCESSING)]
        claims += won
        in_all += rows
    return claims, in_all


def due(connection: Connection, *, limit: int, now: datetime) -> tuple[list[Hint], bool]:
    """Find PENDING orders that nobody else is about to claim, and lock them.

    An order to be worked on alone comes alone.

    Returns:
        Hints, oldest first, and whether there may be more orders behind them. If more may be fresh,
        retries whose time has come are the first: by their date they would come after all that
        are fresh, and under a lasting load never.

    """
    bounds = {"now": now, "row_limit": limit}
    rows = connection.execute(_DUE, bounds).all()
    more_are_fresh = len(rows) == limit and rows[-1].available_at == FOREVER_DUE
    if more_are_fresh and connection.execute(_IS_ANY_DUE_AGAIN, {"now": now}).first():
        again = connection.execute(_DUE_AGAIN, bounds).all()
        rows = list({row.id: row for row in (*again, *rows)}.values())[:limit]
    hints = [Hint(*row[:-1]) for row in rows]
    if hints and hints[0].solo:
        first = hints[:1]
    else:
        first = list(takewhile(lambda hint: not hint.solo, hints))
    return first, len(hints) == limit or len(first) < len(hints)
