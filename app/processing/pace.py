"""How many orders to claim at once."""

from typing import Final

BATCH_SECONDS: Final = 0.05
MAX_BATCH: Final = 256
NEWEST_WEIGHT: Final = 0.3


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
