"""What `/metrics` shows: read from the counters, never by counting the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select, union_all

from app.orders import counters, samples, workers
from app.orders.durations import Durations
from app.orders.lifecycle import (
    COMPLETE,
    ENDS,
    FOREVER_DUE,
    PLACE,
    TRANSITIONS,
    OrderStatus,
    Transition,
    status_counts,
)
from app.orders.model import orders

_PENDING: Final = (
    select(orders.c.created_at)
    .where(orders.c.status == OrderStatus.PENDING)
    .order_by(orders.c.available_at, orders.c.id)
    .limit(1)
)
_FRESH: Final = _PENDING.where(orders.c.available_at == FOREVER_DUE).subquery()
_RETRIED: Final = _PENDING.where(
    orders.c.available_at > FOREVER_DUE, orders.c.available_at <= bindparam("now")
).subquery()
_HEADS_OF_QUEUE: Final = union_all(select(_FRESH), select(_RETRIED))


@dataclass(frozen=True, slots=True)
class Metrics:
    """The service's totals at one commit."""

    moved: Mapping[Transition, int]
    """How often each transition has happened."""
    counts: Mapping[OrderStatus, int]
    """How many orders have come to stand in each status, those that were pruned among them."""
    pruned: Mapping[OrderStatus, int]
    """How many of those are deleted, by the status they had ended in."""
    stale_completions: int
    """How many endings came too late: another worker had taken the order over."""
    waiting: Durations
    """From the creation to the start of the attempt that completed the order."""
    processing: Durations
    """From that start to the end."""
    oldest_pending_age: float | None
    """Seconds the order at the head of the queue has waited; None if none waits."""
    accepted_per_second: float
    """Over the last minute, or since somebody has worked again; 0 if nobody has."""
    completed_per_second: float
    """The same, for orders that have reached COMPLETED."""
    queue_lengths: Mapping[int, int]
    """How many hints each worker that is alive has waiting, by the worker's id."""

    @property
    def drain_seconds(self) -> float | None:
        """How long the backlog will take at the current pace; None while nothing completes."""
        backlog = self.counts[OrderStatus.PENDING] + self.counts[OrderStatus.PROCESSING]
        if not backlog:
            return 0.0
        return backlog / self.completed_per_second if self.completed_per_second else None


def read_metrics(connection: Connection, *, now: datetime) -> Metrics:
    """Return the totals; the cost does not grow with the number of orders."""
    totals = counters.totals(connection)
    accepted, completed = _rates(connection, totals, now)
    heads = connection.execute(_HEADS_OF_QUEUE, {"now": now}).scalars().all()
    return Metrics(
        moved={transition: totals.get(transition.name, 0) for transition in TRANSITIONS},
        counts=status_counts(totals),
        pruned={status: totals.get(counters.pruned(status), 0) for status in ENDS},
        stale_completions=totals.get(counters.STALE_COMPLETIONS, 0),
        waiting=Durations.counted(totals, "waiting"),
        processing=Durations.counted(totals, "processing"),
        oldest_pending_age=max(0.0, (now - min(heads)).total_seconds()) if heads else None,
        accepted_per_second=accepted,
        completed_per_second=completed,
        queue_lengths={each.id: each.queue_length for each in workers.alive(connection)},
    )


def _rates(connection: Connection, totals: Mapping[str, int], now: datetime) -> tuple[float, float]:
    epoch_seconds = now.replace(tzinfo=UTC).timestamp()
    base = samples.a_minute_ago(connection, now=epoch_seconds)
    if base is None:
        return 0.0, 0.0
    elapsed = max(1.0, epoch_seconds - base.read_at)  # the clock may have jumped back
    accepted, completed = (
        max(0, totals.get(name, 0) - base.totals.get(name, 0)) / elapsed
        for name in (PLACE.name, COMPLETE.name)
    )
    return accepted, completed
