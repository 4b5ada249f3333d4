"""Whose heartbeat stands still, judged by this process's own clock."""

from collections.abc import Iterable
from typing import Final

from app.database import AnyRow
from app.orders.workers import ProcessIdentity
from app.processing.identity import pid_started

PAUSE_FACTOR: Final = 0.5
"""An observer that was itself absent for this part of the lease begins observing anew."""


class Observer:
    """Remembers when each worker's counter was last seen to move.

    Args:
        me: The observing process.
        lease_seconds: A counter that stands still for longer belongs to a dead worker.

    """

    def __init__(self, me: ProcessIdentity, lease_seconds: float) -> None:
        self._me = me
        self._lease_seconds = lease_seconds
        self._seen: dict[int, tuple[int, float]] = {}
        self._looked_at = float("-inf")

    def dead(self, workers: Iterable[AnyRow], *, now: float) -> list[AnyRow]:
        """Return those of the workers that are dead.

        Args:
            workers: The rows of the workers that are not retired.
            now: The monotonic clock, in seconds.

        """
        if now - self._looked_at > self._lease_seconds * PAUSE_FACTOR:
            self._seen.clear()
        self._looked_at = now
        previous, self._seen = self._seen, {}
        dead = []
        for worker in workers:
            beat, since = previous.get(worker.id, (None, now))
            if beat != worker.beat:
                since = now
            self._seen[worker.id] = (worker.beat, since)
            if now - since > self._lease_seconds or self._is_gone(worker):
                dead.append(worker)
        return dead

    def _is_gone(self, worker: AnyRow) -> bool:
        """Tell, for a worker of this host, without waiting for its lease."""
        if (worker.host, worker.boot_id) != (self._me.host, self._me.boot_id):
            return False
        try:
            return bool(pid_started(worker.pid) != worker.pid_started)
        except OSError:  # there is no telling: its lease decides
            return False
