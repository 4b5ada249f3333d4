"""The queue of hints between the requests and the processor of one worker."""

import queue
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from app.orders.lifecycle import Hint

MAX_HINTS: Final = 4096


class HintQueue:
    """Bounded and disposable: what does not fit is dropped, its row is found by the sweep.

    Once a hint was dropped no further one is taken until the processor has worked off the table,
    so that first come stays first served.
    """

    def __init__(self, max_hints: int = MAX_HINTS) -> None:
        self._queue: queue.Queue[Hint | None] = queue.Queue(max_hints)
        self._overflowed = threading.Event()

    def __len__(self) -> int:
        """Return how many hints wait, roughly."""
        return self._queue.qsize()

    @property
    def overflowed(self) -> bool:
        """True from the first dropped hint until `caught_up`."""
        return self._overflowed.is_set()

    def offer(self, hints: Sequence[Hint]) -> None:
        """Put the hints in, as far as there is room; never waits."""
        if self._overflowed.is_set():
            return
        try:
            for hint in hints:
                self._queue.put_nowait(hint)
        except queue.Full:
            self._overflowed.set()
            with suppress(queue.Empty):
                while True:  # the table has them all, and in order
                    self._queue.get_nowait()

    def take(self, limit: int, *, wait_seconds: float) -> list[Hint]:
        """Return up to `limit` hints, in order; waits only for the first, and `wake` ends that."""
        hints: list[Hint] = []
        with suppress(queue.Empty):
            hint = self._queue.get(block=wait_seconds > 0, timeout=wait_seconds)
            while hint is not None:
                hints.append(hint)
                if len(hints) == limit:
                    break
                hint = self._queue.get_nowait()
        return hints

    def wake(self) -> None:
        """Make a waiting `take` return at once."""
        with suppress(queue.Full):  # then nobody waits
            self._queue.put_nowait(None)

    def caught_up(self) -> None:
        """Take hints again: the table holds nothing older."""
        self._overflowed.clear()
