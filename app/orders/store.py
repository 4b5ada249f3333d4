"""Every statement that moves an order. A transition is guarded by the fence it expects.

Nothing here commits: the use case owns the transaction. Rows are locked by primary key in
ascending order, or through an index with SKIP LOCKED, so that two workers never wait in a circle.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Final

from sqlalchemy import Connection, bindparam, case, exists, insert, select, update

from app.clock import utc_now
from app.database import UtcDateTime
from app.orders.lifecycle import ADOPT, FAIL, Claim, Draft, Ending, Hint, OrderStatus
from app.orders.model import orders, workers
from app.orders.settle_sql import SETTLE
from app.orders.workers import RETIRED

ADOPTED_AT_ONCE: Final = 1000

_NOW: Final = bindparam("now", type_=UtcDateTime)
_HINT_COLUMNS: Final = [orders.c[name] for name in Hint.__slots__]

_INSERT: Final = insert(orders)
_INSERT_RETURNING: Final = _INSERT.returning(orders.c.order_id, orders.c.id)
_IDS_OF: Final = select(orders.c.order_id, orders.c.id).where(
    orders.c.order_id.in_(bindparam("order_ids", expanding=True))
)
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
    select(*_HINT_COLUMNS)
    .where(orders.c.status == OrderStatus.PENDING, orders.c.available_at <= _NOW)
    .order_by(orders.c.available_at, orders.c.id)
    .limit(bindparam("row_limit"))
    .with_for_update(skip_locked=True)
)
_ORPHANS: Final = (
    select(*_HINT_COLUMNS, orders.c.started_at)
    .where(
        orders.c.status == OrderStatus.PROCESSING,
        ~exists().where(workers.c.id == orders.c.owner_id, workers.c.state < RETIRED),
    )
    .order_by(orders.c.id)
    .limit(ADOPTED_AT_ONCE)
    .with_for_update(skip_locked=True, of=orders)
)
_HELD: Final = select(orders.c.id, orders.c.fence, orders.c.status).where(
    orders.c.id.in_(bindparam("ids", expanding=True, literal_execute=True)),
    orders.c.owner_id == bindparam("owner"),
)


def place(connection: Connection, drafts: Sequence[Draft]) -> list[int]:
    """-> PENDING; returns the rows' ids in the order of the drafts.

    Raises:
        IntegrityError: An `order_id` or an idempotency key is taken; nothing was written.

    """
    rows = [
        {
            "order_id": draft.order_id,
            "user_id": draft.user_id,
            "item_ids": draft.item_ids,
            "total_amount": draft.total_amount,
            "created_at": draft.created_at,
            "updated_at": draft.created_at,
            "idempotency_hash": draft.idempotency_hash,
            "request_hash": draft.request_hash,
        }
        for draft in drafts
    ]
    if connection.dialect.insert_returning:
        written = connection.execute(_INSERT_RETURNING, rows)
    else:
        connection.execute(_INSERT, rows)
        written = connection.execute(_IDS_OF, {"order_ids": [draft.order_id for draft in drafts]})
    ids = {row.order_id: row.id for row in written}
    return [ids[draft.order_id] for draft in drafts]


def claim(
    connection: Connection, hints: Iterable[Hint], *, owner_id: int
) -> tuple[list[Claim], int]:
    """PENDING -> PROCESSING for the hints that are still true.

    Returns:
        The claims that are held now, by id, and how many rows moved. The two differ when an
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
            held = _held(connection, ids, owner_id)
            won = [c for c in won if held.get(c.hint.id) == (c.fence, OrderStatus.PROCESSING)]
        claims += won
        moved += rows
    return claims, moved


def due(connection: Connection, *, limit: int, now: datetime) -> list[Hint]:
    """Return PENDING orders that nobody else is about to claim, oldest first, and lock them.

    An order to be worked on alone comes alone.
    """
    rows = connection.execute(_DUE, {"now": now, "row_limit": limit})
    hints = [Hint(*row) for row in rows]
    if hints and hints[0].solo:
        return hints[:1]
    return list(takewhile(lambda hint: not hint.solo, hints))


def settle(
    connection: Connection, endings: Sequence[Ending], *, owner_id: int
) -> tuple[list[Ending], list[Ending]]:
    """PROCESSING -> where each ending leads, for the claims still held.

    Returns:
        The endings that moved a row now, and those that were stale: taken over by another
        worker. One that an earlier, lost COMMIT had already written is in neither list.

    """
    endings = sorted(endings, key=lambda ending: ending.claim.hint.id)
    statement = SETTLE[connection.dialect.name]
    moved = connection.execute(statement, _parameters(endings, owner_id)).rowcount
    if moved == len(endings):
        return endings, []
    held = _held(connection, [ending.claim.hint.id for ending in endings], owner_id)
    mine: list[Ending] = []
    stale: list[Ending] = []
    for ending in endings:
        expected = (ending.claim.fence + 1, ending.transition.target)
        (mine if held.get(ending.claim.hint.id) == expected else stale).append(ending)
    return (mine if moved else []), stale


def adopt(connection: Connection, *, max_attempts: int) -> list[Ending]:
    """PROCESSING -> PENDING, or FAILED, for the orders of workers that are gone.

    Fails an order whose attempts are used up: it may be what killed its workers. Rows that
    another transaction is just moving are left to the next call.

    Returns:
        The endings that moved a row.

    """
    endings = []
    for *hint, started_at in connection.execute(_ORPHANS):
        seen = Hint(*hint)
        claim = Claim(replace(seen, fence=seen.fence - 1, attempts=seen.attempts - 1))
        if seen.attempts < max_attempts:
            endings.append(Ending(claim, ADOPT))
        else:
            error = f"its worker died during attempt {seen.attempts}"
            ended_at = max(utc_now(), started_at)
            endings.append(Ending(claim, FAIL, started_at, ended_at, error=error))
    if endings:
        connection.execute(SETTLE[connection.dialect.name], _parameters(endings, None))
    return endings


def _held(
    connection: Connection, ids: list[int], owner_id: int
) -> dict[int, tuple[int, OrderStatus]]:
    """Return fence and status of those rows that this worker was the last to move."""
    rows = connection.execute(_HELD, {"ids": ids, "owner": owner_id})
    return {row.id: (row.fence, row.status) for row in rows}


def _parameters(endings: Iterable[Ending], owner_id: int | None) -> dict[str, object]:
    rows = json.dumps([_ending_row(ending) for ending in endings])
    return {"endings": rows, "owner": owner_id, "now": utc_now()}


def _ending_row(ending: Ending) -> dict[str, object]:
    ended = ending.transition.target is not OrderStatus.PENDING
    return {
        "row_id": ending.claim.hint.id,
        "held_fence": ending.claim.fence,
        "new_status": ending.transition.target,
        "new_solo": ending.transition is ADOPT,
        "new_error": ending.error,
        "new_available_at": _sql_date(ending.available_at),
        "new_started_at": _sql_date(ending.started_at) if ended else None,
        "new_completed_at": _sql_date(ending.ended_at) if ended else None,
    }


def _sql_date(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", "microseconds")
