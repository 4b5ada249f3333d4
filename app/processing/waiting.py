"""Requests that wait for an order to end."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from app.database import AnyRow
from app.orders.lifecycle import ENDS

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 0.25
_THREADS: Final = Path("/proc/self/task")
_REQUEST_THREAD: Final = "uWSGIWorker"
"""How uWSGI begins the names of the threads that answer requests."""


class Waiting:
    """Lets a few requests at a time wait; there are threads left for those that do not.

    Args:
        get: Returns the order with this public id, or raises.
        max_requests: How many may wait at once.

    """

    def __init__(self, get: Callable[[str], AnyRow], *, max_requests: int) -> None:
        self._get = get
        self._free = threading.BoundedSemaphore(max_requests) if max_requests else None

    def until_ended(self, order_id: str, seconds: float) -> AnyRow:
        """Return the order once it has reached an end, or as it is when the time is over.

        Where enough requests wait already, or the worker stops, the time is over at once.

        Raises:
            OrderError: There is no such order, or it cannot be read now.

        """
        row = self._get(order_id)
        if not seconds or self._free is None or not self._free.acquire(blocking=False):
            return row
        try:
            return self._poll(row, time.monotonic() + seconds)
        finally:
            self._free.release()

    def _poll(self, row: AnyRow, deadline: float) -> AnyRow:
        pause = FIRST_PAUSE_SECONDS
        while row.status not in ENDS:
            left = deadline - time.monotonic()
            if left <= 0 or _worker_stops():
                break
            time.sleep(min(pause, left))
            pause = min(1.5 * pause, LONGEST_PAUSE_SECONDS)
            row = self._get(row.order_id)
        return row


def _worker_stops() -> bool:
    """Tell whether uWSGI wants this worker to end.

    It says so to nobody before the last request is answered; but its idle threads leave at once.
    """
    return any(
        thread.name.startswith(_REQUEST_THREAD) and not (_THREADS / str(thread.native_id)).exists()
        for thread in threading.enumerate()
    )
