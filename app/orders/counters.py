"""The counters: how often each transition happened, and how long orders took.

Each worker adds to rows of its own, in the transaction that moves the orders. So they agree with
the table at every commit, and no two workers wait for each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Insert,
    String,
    bindparam,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import mysql, postgresql, sqlite

from app.orders.histogram import LAST_BUCKET, bucket
from app.orders.lifecycle import COMPLETE, Ending, OrderStatus
from app.orders.model import counters, workers
from app.orders.workers import RETIRED

NOBODY: Final = 0
"""The `worker_id` of what is counted outside a worker, and of rows folded together."""

MICROSECOND: Final = 1_000_000
_MICROSECOND: Final = timedelta(microseconds=1)
_BUCKET_NAMES: Final = {
    kind: [f"{kind}_le_{number:02}" for number in range(LAST_BUCKET + 1)]
    for kind in ("waiting", "processing")
}

STALE_COMPLETIONS: Final = "stale_completions"
"""Endings that came too late: another worker had taken the order over."""


def pruned(status: OrderStatus) -> str:
    """Return the name of the counter of deleted orders that had ended like this."""
    return f"pruned_{status.lower()}"


# One row of arrays, for psycopg ends what it executes for many rows with a message after which
# PostgreSQL no longer minds how long the transaction stands idle: cut off there, a worker would
# hold its locks for ever.
_UNNESTED: Final = select(
    bindparam("worker_id", type_=BigInteger),
    func.unnest(bindparam("names", type_=ARRAY(String))),
    func.unnest(bindparam("amounts", type_=ARRAY(BigInteger))),
)


def _upsert(dialect: str) -> Insert:
    if dialect == "mysql":
        statement = mysql.insert(counters)
        return statement.on_duplicate_key_update(value=counters.c.value + statement.inserted.value)
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    upsert = insert(counters)
    if dialect == "postgresql":
        upsert = upsert.from_select(["worker_id", "name", "value"], _UNNESTED)
    return upsert.on_conflict_do_update(
        index_elements=[counters.c.worker_id, counters.c.name],
        set_={"value": counters.c.value + upsert.excluded.value},
    )


_ADD: Final = {dialect: _upsert(dialect) for dialect in ("mysql", "postgresql", "sqlite")}
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
    """Add the tally to the worker's own counters, by name in ascending order."""
    counted = sorted((name, amount) for name, amount in tally.items() if amount)
    if not counted:
        return
    dialect = connection.dialect.name
    if dialect == "postgresql":
        names, amounts = zip(*counted, strict=True)
        row = {"worker_id": worker_id, "names": list(names), "amounts": list(amounts)}
        connection.execute(_ADD[dialect], row)
    else:
        rows = [{"worker_id": worker_id, "name": name, "value": value} for name, value in counted]
        connection.execute(_ADD[dialect], rows)


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
            for kind, duration in (("waiting", waited), ("processing", took)):
                tally[f"{kind}_us"] += duration // _MICROSECOND
                tally[_BUCKET_NAMES[kind][bucket(duration.total_seconds())]] += 1
    return tally
