"""The queue of hints between the requests and the processor of one worker."""

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from app.orders.lifecycle import Hint

MAX_HINTS: Final = 4096
MAX_ITEMS: Final = 100_000
"""Of all orders whose hints wait: what takes memory is their items, up to 0.6 KB each."""


class _ManyAtOnce(queue.Queue[Any]):
    """Takes and gives hints by the batch: one by one they cost 3 us each."""

    most = 0
    """How many hints to give at once."""
    items = 0
    """How many items the orders have whose hints are in it."""

    def _put(self, item: Sequence[Hint | None]) -> None:
        items = self.items + sum(len(hint.item_ids) for hint in item if hint)
        if len(self.queue) + len(item) > self.maxsize or items > MAX_ITEMS:
            raise queue.Full
        self.queue.extend(item)
        self.items = items

    def _get(self) -> list[Hint]:
        """Take as many as there are before a None, which goes along."""
        taken: list[Hint] = []
        while self.queue and len(taken) < self.most:
            hint = self.queue.popleft()
            if hint is None:
                break
            taken.append(hint)
            self.items -= len(hint.item_ids)
        return taken

    def clear(self) -> None:
        """Drop everything."""
        with self.mutex:
            self.queue.clear()
            self.items = 0


class HintQueue:
    """Bounded and disposable: what does not fit is dropped, its row is found by the sweep.

    Once a hint was dropped no further one is taken until the processor has worked off the table,
    so that first come stays first served.
    """

    def __init__(self, max_hints: int = MAX_HINTS) -> None:
        self._queue = _ManyAtOnce(max_hints)
        self._overflowed = threading.Event()

    def __len__(self) -> int:
        """Return how many hints wait, roughly."""
        return self._queue.qsize()

    @property
    def overflowed(self) -> bool:
        """True from the first dropped hint until `caught_up`."""
        return self._overflowed.is_set()

    def offer(self, hints: Sequence[Hint]) -> None:
        """Put the hints in, or drop them and all that wait if there is no room; never waits."""
        if self._overflowed.is_set():
            return
        try:
            self._queue.put_nowait(hints)
        except queue.Full:
            self._overflowed.set()
            self._queue.clear()  # the table has them all, and in order

    def take(self, limit: int, *, wait_seconds: float) -> list[Hint]:
        """Return up to `limit` hints, in order; waits only for the first, and `wake` ends that."""
        self._queue.most = limit
        try:
            hints: list[Hint] = self._queue.get(block=wait_seconds > 0, timeout=wait_seconds)
        except queue.Empty:
            return []
        return hints

    def wake(self) -> None:
        """Make a waiting `take` return at once."""
        with suppress(queue.Full):  # then nobody waits
            self._queue.put_nowait([None])

    def caught_up(self) -> None:
        """Take hints again: the table holds nothing older."""
        self._overflowed.clear()
