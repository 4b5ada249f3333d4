"""What `/metrics` shows: read from the counters, never by counting the table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.orders import counters, samples, workers
from app.orders.histogram import percentile
from app.orders.lifecycle import COMPLETE, PLACE, OrderStatus, status_counts
from app.orders.model import orders

_PERCENTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

_HEAD_OF_QUEUE: Final = (
    select(orders.c.created_at)
    .where(orders.c.status == OrderStatus.PENDING, orders.c.available_at <= bindparam("now"))
    .order_by(orders.c.available_at, orders.c.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The service's totals at one commit; durations in seconds, None where nothing completed."""

    counts: Mapping[OrderStatus, int]
    average_waiting: float | None
    average_processing: float | None
    waiting: Mapping[str, float | None]
    """The 50th, 95th and 99th percentile as `p50`, `p95`, `p99`."""
    processing: Mapping[str, float | None]
    oldest_pending_age: float | None
    """How long the order at the head of the queue has waited; None if none waits."""
    accepted_per_second: float
    """Over the last minute, or since the first sample if that is younger."""
    completed_per_second: float
    """The same, for orders that have reached COMPLETED."""
    queue_lengths: Sequence[int]
    """How many hints each worker that is alive has waiting."""

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
    head = connection.execute(_HEAD_OF_QUEUE, {"now": now}).scalar()
    return Metrics(
        counts=status_counts(totals),
        average_waiting=_average(totals, "waiting"),
        average_processing=_average(totals, "processing"),
        waiting=_percentiles(totals, "waiting"),
        processing=_percentiles(totals, "processing"),
        oldest_pending_age=None if head is None else max(0.0, (now - head).total_seconds()),
        accepted_per_second=accepted,
        completed_per_second=completed,
        queue_lengths=[worker.queue_length for worker in workers.alive(connection)],
    )


def _rates(connection: Connection, totals: Mapping[str, int], now: datetime) -> tuple[float, float]:
    epoch_seconds = now.replace(tzinfo=UTC).timestamp()
    base = samples.a_minute_ago(connection, now=epoch_seconds)
    if base is None:
        return 0.0, 0.0
    age_seconds, then = base
    elapsed = max(1.0, age_seconds)  # the clock may have jumped back
    accepted, completed = (
        max(0, totals.get(name, 0) - then.get(name, 0)) / elapsed
        for name in (PLACE.name, COMPLETE.name)
    )
    return accepted, completed


def _average(totals: Mapping[str, int], kind: str) -> float | None:
    completed = totals.get(COMPLETE.name, 0)
    return totals[f"{kind}_us"] / completed / counters.MICROSECOND if completed else None


def _percentiles(totals: Mapping[str, int], kind: str) -> dict[str, float | None]:
    prefix = f"{kind}_le_"
    histogram = {
        int(name.removeprefix(prefix)): value
        for name, value in totals.items()
        if name.startswith(prefix)
    }
    return {name: percentile(histogram, fraction) for name, fraction in _PERCENTILES.items()}
