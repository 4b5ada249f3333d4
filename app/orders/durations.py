"""How long orders took, as the counters tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

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
