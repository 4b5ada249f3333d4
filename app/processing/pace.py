"""How many orders to claim at once, and whether it is worth waiting for more."""

import math
from typing import Final

BATCH_SECONDS: Final = 0.05
MAX_BATCH: Final = 512
"""Two workers that sweep pass over what the other has locked: with 256 an order costs MariaDB 72 us
instead of 58."""
NEWEST_WEIGHT: Final = 0.3
MEMORY_SECONDS: Final = 0.2


class Pace:
    """Bounds a batch by time: a slow handler gets one order at a time, a fast one hundreds.

    Args:
        at_least: Orders in a batch, however slow the handler is.

    """

    def __init__(self, at_least: int = 1) -> None:
        self._at_least = at_least
        self._seconds_per_order = BATCH_SECONDS  # until the first measurement: one at a time

    @property
    def batch_size(self) -> int:
        """As many orders as are expected to be done within `BATCH_SECONDS`."""
        if self._seconds_per_order * MAX_BATCH <= BATCH_SECONDS:
            return MAX_BATCH
        return max(self._at_least, int(BATCH_SECONDS / self._seconds_per_order))

    def record(self, orders: int, seconds: float) -> None:
        """Take in how long the last orders took together."""
        newest = seconds / orders
        self._seconds_per_order += NEWEST_WEIGHT * (newest - self._seconds_per_order)


class Demand:
    """How many orders a worker gets to do in a second: a moving average that forgets by time."""

    def __init__(self) -> None:
        self.per_second = 0.0
        self._recorded_at = float("-inf")

    def record(self, orders: int, *, now: float) -> None:
        """Take in how many were claimed from the last time until now (monotonic seconds)."""
        seconds = now - self._recorded_at
        if seconds > 0:
            newest_weight = 1 - math.exp(-seconds / MEMORY_SECONDS)
            self.per_second += newest_weight * (orders / seconds - self.per_second)
            self._recorded_at = now
