"""Group commit: requests that arrive together are written together.

The first thread to find no leader leads: it writes everything that waits, its own included, in one
call, wakes the others and hands leadership to the first of those that came meanwhile. No timer and
no thread of its own: alone, nobody waits; under load the batches grow by themselves, and a leader
waits as long as others come at its heels: twice the batch, a seventh less CPU for an order.

The threads of a batch wake one another in a chain. Woken all at once they would wait in a crowd for
the interpreter's lock, with twice as many switches between threads.

Source: Hendler, Incze, Shavit, Tzafrir: Flat Combining and the Synchronization-Parallelism
Tradeoff (SPAA 2010); databases write their logs in this way.
"""

import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Generic, TypeVar

from app.orders.errors import OutcomeUnknownError, UnavailableError

MAX_BATCH: Final = 256
DEADLINE_SECONDS: Final = 15
LOAD: Final = 8
"""A batch of so many items tells of load."""
GATHER_SECONDS: Final = 0.001
"""From one look to the next at whether others still come."""
WORTH_A_LOOK: Final = 2
"""So many must have come for another look: each item that waits already waits longer for it."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Intake(Generic[Item, Result]):
    """Combines the items of concurrent threads into batches.

    Args:
        write: Writes a batch and returns an outcome per item, in order; an outcome that is an
            exception is raised in the thread of its item.
        threads: How many there are to submit items.

    """

    def __init__(
        self, write: Callable[[Sequence[Item]], Sequence[Result | Exception]], *, threads: int
    ) -> None:
        self._write = write
        self._threads = threads
        self._mutex = threading.Lock()
        self._waiting: list[_Waiting[Item, Result]] = []
        self._led = False
        self._loaded = False

    def submit(self, item: Item) -> Result:
        """Return the item's outcome, once it is written.

        Raises:
            UnavailableError: Its turn did not come within `DEADLINE_SECONDS`; it is not written.
            OutcomeUnknownError: It was being written and has no outcome by then.
            Exception: What `write` said of this item, or raised.

        """
        mine: _Waiting[Item, Result] = _Waiting(item)
        with self._mutex:
            self._waiting.append(mine)
            leads, self._led = not self._led, True
        if not leads:
            self._wait(mine)
        if mine.outcome is None:
            self._lead(mine)
        if mine.next is not None:
            mine.next.woken.release()
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return mine.outcome  # type: ignore[return-value]  # a leader's write gave it its outcome

    def _wait(self, mine: "_Waiting[Item, Result]") -> None:
        """Return with an outcome, or as the next leader."""
        if mine.woken.acquire(timeout=DEADLINE_SECONDS):
            return
        with self._mutex:
            if mine.outcome is not None or mine.woken.acquire(blocking=False):  # just now after all
                return
            if mine not in self._waiting:
                mine.gone = True
                raise OutcomeUnknownError("the database has not answered in time")
            self._waiting.remove(mine)
        raise UnavailableError("the database is too slow to take the order in")

    def _lead(self, mine: "_Waiting[Item, Result]") -> None:
        if self._loaded:
            self._gather()
        with self._mutex:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
        self._loaded = len(batch) >= LOAD
        try:
            outcomes = self._write([each.item for each in batch])
        except Exception as error:  # noqa: BLE001 -- whatever it is, those who wait must learn it
            outcomes = [error] * len(batch)
        self._hand_over()
        with self._mutex:
            for each, outcome in zip(batch, outcomes, strict=True):
                each.outcome = outcome
            others = [each for each in batch if each is not mine and not each.gone]
            for each, following in pairwise([mine, *others]):
                each.next = following

    def _gather(self) -> None:
        """Return when hardly anyone has come since the last look, or there is nobody left."""
        waiting = len(self._waiting)
        come = WORTH_A_LOOK
        while come >= WORTH_A_LOOK and waiting < self._threads:
            time.sleep(GATHER_SECONDS)
            come = len(self._waiting) - waiting
            waiting += come

    def _hand_over(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting[0].woken.release()
            else:
                self._led = False


class _Waiting(Generic[Item, Result]):
    """A thread that waits for its item's outcome, or for being made the leader."""

    __slots__ = ("gone", "item", "next", "outcome", "woken")

    def __init__(self, item: Item) -> None:
        self.item = item
        self.outcome: Result | Exception | None = None
        self.next: _Waiting[Item, Result] | None = None
        """Whom to wake next; None for the last of a batch."""
        self.gone = False
        self.woken = threading.Lock()  # a bare lock wakes faster than an Event
        self.woken.acquire()
