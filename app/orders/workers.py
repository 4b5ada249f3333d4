"""Who works: one row per process that ever took part, its id never given out again.

The heartbeat is a counter. Whoever watches it judges by a clock of its own how long it has stood
still; no wall clock decides anything.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update

from app.clock import utc_now
from app.database import AnyRow
from app.orders.model import workers


class WorkerState(IntEnum):
    """How far a worker's life has come."""

    ACTIVE = 0
    DRAINING = 1
    """It claims nothing more and ends what it holds."""
    RETIRED = 2
    """Others take it for gone: what it held belongs to whoever adopts it."""
    LEFT = 3
    """The same, by its own word: it has signed off."""


RETIRED: Final = WorkerState.RETIRED
REMEMBERED: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """What tells one process on one host from every other, before and after."""

    host: str
    boot_id: str
    """The kernel's boot id and the process namespace: within it a pid means one process."""
    pid: int
    pid_started: int
    """Start time in clock ticks since boot: tells a reused pid."""
    master_pid: int
    slot: int
    """uWSGI's number of the worker under its master, from 1; 0 outside uWSGI."""
    version: str


_BEAT: Final = (
    update(workers)
    .where(workers.c.id == bindparam("me"), workers.c.state < RETIRED)
    .values(
        beat=workers.c.beat + 1,
        beat_at=bindparam("now", type_=workers.c.beat_at.type),
        state=bindparam("to_state"),
        queue_length=bindparam("hints"),
        current_order=bindparam("order_in_hand"),
    )
)
_RETIRE: Final = (
    update(workers)
    .where(
        workers.c.id == bindparam("dead"),
        workers.c.beat == bindparam("seen"),
        workers.c.state < RETIRED,
    )
    .values(state=RETIRED)
)
_ALIVE: Final = select(workers).where(workers.c.state < RETIRED).order_by(workers.c.id)
_SEEN_SINCE: Final = (
    select(workers)
    .where(
        or_(
            workers.c.state < RETIRED,
            workers.c.beat_at >= bindparam("since", type_=workers.c.beat_at.type),
        )
    )
    .order_by(workers.c.id)
)


def register(connection: Connection, identity: ProcessIdentity) -> int:
    """-> ACTIVE; returns the new worker's id."""
    written = connection.execute(insert(workers).values(**asdict(identity), beat_at=utc_now()))
    (worker_id,) = written.inserted_primary_key or (0,)
    return int(worker_id)


def beat(
    connection: Connection,
    worker_id: int,
    *,
    state: WorkerState,
    queue_length: int,
    current_order: str | None,
) -> bool:
    """Count one beat; returns False if the worker has been retired meanwhile."""
    report = {
        "me": worker_id,
        "now": utc_now(),
        "to_state": state,
        "hints": queue_length,
        "order_in_hand": current_order,
    }
    return connection.execute(_BEAT, report).rowcount == 1


def retire(connection: Connection, worker_id: int, *, seen_beat: int) -> bool:
    """-> RETIRED if its counter still stands where it was seen; returns whether it does."""
    seen = {"dead": worker_id, "seen": seen_beat}
    return connection.execute(_RETIRE, seen).rowcount == 1


def leave(connection: Connection, worker_id: int) -> None:
    """-> LEFT, by the worker itself."""
    leaving = update(workers).where(workers.c.id == worker_id)
    connection.execute(leaving.values(state=WorkerState.LEFT))


def forget_retired(connection: Connection) -> None:
    """Delete the rows of workers that left or were retired more than `REMEMBERED` ago."""
    connection.execute(
        delete(workers).where(
            workers.c.state >= RETIRED, workers.c.beat_at < utc_now() - REMEMBERED
        )
    )


def alive(connection: Connection) -> Sequence[AnyRow]:
    """Return the workers that neither left nor are retired, by id."""
    return connection.execute(_ALIVE).all()


def seen_since(connection: Connection, since: datetime) -> Sequence[AnyRow]:
    """Return the workers that are alive, and those that were after this moment, by id."""
    return connection.execute(_SEEN_SINCE, {"since": since}).all()
