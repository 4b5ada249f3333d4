"""The use case of removing old orders, a few at a time, beside a service that works."""

import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine

from app.orders import counters, store
from app.orders.id_range import ids_between, newest_id
from app.orders.lifecycle import ENDS, OrderStatus
from app.transactions import run_transaction

PRUNED_AT_ONCE: Final = 500


def prune(engine: Engine, *, ended_before: datetime) -> Iterator[tuple[OrderStatus, int]]:
    """Delete the orders that reached their end before then (UTC), while being iterated.

    The counters stay, so the totals go on counting what is gone. Its order ids and idempotency
    keys can be used again. An order that is being moved meanwhile is left out, and so is the newest
    order there is.

    The cost grows with the orders that were created before then, not with the table: no younger one
    can have ended before.

    Yields:
        After each transaction the status it looked at, and how many orders it has deleted. A
        COMMIT whose answer was lost goes unreported; the counters have it.

    Raises:
        UnavailableError: The database is away; what was reported is deleted.

    """
    up_to = run_transaction(engine, partial(_last_id, ended_before=ended_before), read_only=True)
    for status in ENDS:
        after: int | None = 0
        while after is not None:
            began = time.monotonic()
            batch = partial(_prune, status=status, ended_before=ended_before, up_to=up_to)
            deleted, after = run_transaction(engine, partial(batch, after=after))
            yield status, deleted
            time.sleep(time.monotonic() - began)  # the service gets as much time as this takes


def _last_id(connection: Connection, ended_before: datetime) -> int:
    """Return the highest id of an order that may go.

    The newest order stays: SQLite would give its id to the next one, on which a claim of the old
    one would hold.
    """
    return min(ids_between(connection, None, ended_before).highest, newest_id(connection) - 1)


def _prune(
    connection: Connection, *, status: OrderStatus, ended_before: datetime, up_to: int, after: int
) -> tuple[int, int | None]:
    """Return how many orders this has deleted, and the id to go on after; None at the end."""
    rows = store.ended(connection, status, after=after, up_to=up_to, limit=PRUNED_AT_ONCE)
    old = [row.id for row in rows if row.completed_at < ended_before]
    if old:
        store.prune(connection, old)
        counters.add(connection, counters.NOBODY, Counter({counters.pruned(status): len(old)}))
    return len(old), rows[-1].id if len(rows) == PRUNED_AT_ONCE else None
