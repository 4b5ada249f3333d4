"""What this process is registered as, and for how long that is sure to hold."""

import threading
import time
from typing import Final

from app.orders.counters import NOBODY

MARGIN_SECONDS: Final = 2
"""A worker stops this long before others may take it for dead."""


class Membership:
    """Written by the supervisor, read by everyone else in the process.

    Args:
        lease_seconds: Without a heartbeat for longer, others take this worker's orders over.

    """

    def __init__(self, lease_seconds: float) -> None:
        self._term_seconds = lease_seconds - MARGIN_SECONDS
        self._good_until = float("-inf")
        self._changed = threading.Condition()
        self.news = 0
        """Counts the beats and the calls of `wake`."""
        self.worker_id = NOBODY

    @property
    def holds(self) -> bool:
        """True while nobody can have taken this worker for dead; otherwise it starts nothing."""
        return time.monotonic() < self._good_until

    def renew(self, worker_id: int, *, sent_at: float) -> None:
        """Take in that the worker's beat, sent at `sent_at` (monotonic seconds), was counted."""
        self.worker_id = worker_id
        self._good_until = sent_at + self._term_seconds
        self.wake()

    def wait_for_news(self, seen: int, seconds: float) -> None:
        """Wait until `news` is not what was `seen`, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self.news != seen, seconds)

    def wake(self) -> None:
        """Have whoever waits for news look what it is."""
        with self._changed:
            self.news += 1
            self._changed.notify_all()

    def end(self) -> None:
        """Start nothing more."""
        self._good_until = float("-inf")
