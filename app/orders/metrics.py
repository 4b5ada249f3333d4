"""What `/metrics` shows: read from the counters, never by counting the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, select

from app.orders import counters
from app.orders.histogram import percentile
from app.orders.lifecycle import COMPLETE, OrderStatus, status_counts
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


def read_metrics(connection: Connection, *, now: datetime) -> Metrics:
    """Return the totals; the cost does not grow with the number of orders."""
    totals = counters.totals(connection)
    head = connection.execute(_HEAD_OF_QUEUE, {"now": now}).scalar()
    return Metrics(
        counts=status_counts(totals),
        average_waiting=_average(totals, "waiting"),
        average_processing=_average(totals, "processing"),
        waiting=_percentiles(totals, "waiting"),
        processing=_percentiles(totals, "processing"),
        oldest_pending_age=None if head is None else max(0.0, (now - head).total_seconds()),
    )


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
