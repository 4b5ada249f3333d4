"""What keeps a process of a test build at the moment at which a mistake shows."""

import threading
from contextlib import suppress

from app import transactions
from app.processing.processor import Processor
from tests.faults.points import SECONDS
from tests.processes import wait_until

BATCH = 5


def try_again_however_late() -> None:
    """Let no slow machine keep the service from trying a transaction again."""
    transactions.RETRY_WINDOW_SECONDS = SECONDS


def hold_a_batch_until_half_time() -> None:
    """Claim so many orders at once, and begin them when the stop is about to give back the rest."""
    stop, perform = Processor.stop, Processor._perform
    stopped = threading.Event()

    def choose(self):
        with suppress(TimeoutError):  # soon: without progress it would be taken for hanging
            wait_until(lambda: self.queue_length >= BATCH, 0.5, "a batch")
            self._wanted = self._hints.take(BATCH, wait_seconds=0)
        return 0

    def performing(self):
        if self._claims:
            stopped.wait(SECONDS)
        return perform(self)

    def stopping(self, *, drain_seconds):
        stop(self, drain_seconds=0)  # half time is now
        stopped.set()
        self._thread.join(drain_seconds)
        return not self._thread.is_alive()

    Processor._choose, Processor._perform, Processor.stop = choose, performing, stopping
