"""How long an order takes, as its row tells it, and how long all took, as the counters do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from app.database import AnyRow
from app.orders.counters import MICROSECOND
from app.orders.histogram import percentile

_PERCENTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Durations:
    """One kind of duration of the completed orders, all of them together."""

    total_seconds: float
    buckets: Mapping[int, int]
    """Orders by the number of the histogram's bucket; empty ones are missing."""

    @classmethod
    def counted(cls, totals: Mapping[str, int], kind: str) -> Self:
        """Return what all counters say about `waiting` or `processing`."""
        prefix = f"{kind}_le_"
        buckets = {
            int(name.removeprefix(prefix)): value
            for name, value in totals.items()
            if name.startswith(prefix)
        }
        return cls(totals.get(f"{kind}_us", 0) / MICROSECOND, buckets)

    @property
    def count(self) -> int:
        """How many orders there are."""
        return sum(self.buckets.values())

    @property
    def average(self) -> float | None:
        """Seconds; None if there are no orders."""
        return self.total_seconds / self.count if self.count else None

    @property
    def percentiles(self) -> dict[str, float | None]:
        """The 50th, 95th and 99th as `p50`, `p95`, `p99`, in seconds; None if there are none."""
        return {name: percentile(self.buckets, part) for name, part in _PERCENTILES.items()}


def waited(order: AnyRow, now: datetime) -> float:
    """Return the seconds from the order's creation to its last start, or up to now."""
    return _seconds(order.created_at, order.started_at or order.completed_at or now)


def worked(order: AnyRow, now: datetime) -> float | None:
    """Return the seconds from the order's last start to its end, or up to now; None before."""
    return _seconds(order.started_at, order.completed_at or now) if order.started_at else None


def altogether(order: AnyRow, now: datetime) -> float:
    """Return the seconds from the order's creation to its end, or up to now."""
    return _seconds(order.created_at, order.completed_at or now)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
