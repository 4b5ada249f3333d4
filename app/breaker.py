"""The circuit breaker: while the database is away, nobody waits for it but one probe at a time."""

import logging
import random
import time
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from app.orders.errors import UnavailableError

PROBE_SECONDS: Final = (1.0, 2.0, 4.0)
"""Time from one failed probe to the next; the last value repeats."""

log = logging.getLogger(__name__)


class Breaker:
    """Closed while the database answers; opened by a failure, closed again by a success.

    Source: Michael Nygard, Release It! (2007), the circuit breaker.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._probe_at = 0.0

    def check(self) -> None:
        """Let the caller through, as one of all or as the probe.

        Raises:
            UnavailableError: The database is away, and it is not time for the next probe.

        """
        if not self._failures:
            return
        now = time.monotonic()
        if now < self._probe_at:
            raise UnavailableError("the database is away", retry_after_seconds=random.randint(1, 5))
        self._probe_at = now + self._interval()

    def opened_by(self, reason: object) -> None:
        """Take in that the database could not be reached."""
        if not self._failures:
            log.error("the database is away: %s", reason)
        self._failures += 1
        self._probe_at = time.monotonic() + self._interval()

    def succeeded(self) -> None:
        """Take in that the database has answered."""
        if self._failures:
            self._failures = 0
            log.warning("the database is back")

    def _interval(self) -> float:
        longest = PROBE_SECONDS[min(self._failures, len(PROBE_SECONDS)) - 1]
        return random.uniform(longest / 2, longest)


_breakers: WeakKeyDictionary[Engine, Breaker] = WeakKeyDictionary()


def breaker_of(engine: Engine) -> Breaker:
    """Return the one breaker of this engine."""
    return _breakers.setdefault(engine, Breaker())
