"""The counters: how often each transition happened, and how long orders took.

Each worker adds to rows of its own, in the transaction that moves the orders. So they agree with
the table at every commit, and no two workers wait for each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select

from app.database import placeholder
from app.orders.histogram import LAST_BUCKET, bucket
from app.orders.lifecycle import COMPLETE, Ending, OrderStatus
from app.orders.model import counters, workers
from app.orders.workers import RETIRED
from app.round_trip import Statement, execute_together

NOBODY: Final = 0
"""The `worker_id` of what is counted outside a worker, and of rows folded together."""

MICROSECOND: Final = 1_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_WAITING: Final = [f"waiting_le_{number:02}" for number in range(LAST_BUCKET + 1)]
_PROCESSING: Final = [f"processing_le_{number:02}" for number in range(LAST_BUCKET + 1)]

STALE_COMPLETIONS: Final = "stale_completions"
"""Endings that came too late: another worker had taken the order over."""


def pruned(status: OrderStatus) -> str:
    """Return the name of the counter of deleted orders that had ended like this."""
    return f"pruned_{status.lower()}"


_ON_CONFLICT: Final = (
    " ON CONFLICT (worker_id, name) DO UPDATE SET value = counters.value + excluded.value"
)
_ADD: Final = "INSERT INTO counters (worker_id, name, value) VALUES "
_TO_WHAT_IS_THERE: Final = {
    "mysql": " ON DUPLICATE KEY UPDATE value = value + VALUES(value)",
    "postgresql": _ON_CONFLICT,
    "sqlite": _ON_CONFLICT,
}
_OF_RETIRED: Final = (
    select(counters)
    .where(counters.c.worker_id.in_(select(workers.c.id).where(workers.c.state >= RETIRED)))
    .order_by(counters.c.worker_id, counters.c.name)
    .with_for_update(of=counters)
)
_BY_WORKER: Final = select(counters.c.worker_id, counters.c.value).where(
    counters.c.name == bindparam("counted")
)
_TOTALS: Final = select(counters.c.name, func.sum(counters.c.value)).group_by(counters.c.name)


def add(connection: Connection, worker_id: int, tally: Counter[str]) -> None:
    """Add the tally to the worker's own counters."""
    execute_together(connection, adding(connection, worker_id, tally))


def adding(connection: Connection, worker_id: int, tally: Counter[str]) -> list[Statement]:
    """Return the statement that does so, by name in ascending order; none if there is nothing."""
    counted = sorted((name, amount) for name, amount in tally.items() if amount)
    if not counted:
        return []
    mark = placeholder(connection)
    rows = ", ".join([f"({mark}, {mark}, {mark})"] * len(counted))
    values = [value for name, amount in counted for value in (worker_id, name, amount)]
    return [Statement(_ADD + rows + _TO_WHAT_IS_THERE[connection.dialect.name], values)]


def totals(connection: Connection) -> dict[str, int]:
    """Return every counter, summed over all workers."""
    return {name: int(value) for name, value in connection.execute(_TOTALS)}


def by_worker(connection: Connection, name: str) -> dict[int, int]:
    """Return one counter as each worker has it; a retired one's is missing once it is folded."""
    rows = connection.execute(_BY_WORKER, {"counted": name})
    return {row.worker_id: row.value for row in rows}


def fold_retired(connection: Connection) -> None:
    """Add what retired workers have counted to `NOBODY`'s rows, and drop theirs."""
    tally: Counter[str] = Counter()
    names: dict[int, list[str]] = defaultdict(list)
    for worker_id, name, value in connection.execute(_OF_RETIRED):
        tally[name] += value
        names[worker_id].append(name)
    for worker_id, folded in names.items():  # only the rows that were read: they are locked
        mine = counters.c.worker_id == worker_id
        connection.execute(delete(counters).where(mine, counters.c.name.in_(folded)))
    add(connection, NOBODY, tally)


def tally_endings(endings: Iterable[Ending]) -> Counter[str]:
    """Return what these endings add: one per transition, and the times of the completed ones."""
    tally: Counter[str] = Counter()
    for ending in endings:
        tally[ending.transition.name] += 1
        if ending.transition is COMPLETE and ending.started_at and ending.ended_at:
            waited = ending.started_at - ending.claim.hint.created_at
            took = ending.ended_at - ending.started_at
            tally["waiting_us"] += waited // _MICROSECOND
            tally["processing_us"] += took // _MICROSECOND
            tally[_WAITING[bucket(waited.total_seconds())]] += 1
            tally[_PROCESSING[bucket(took.total_seconds())]] += 1
    return tally
