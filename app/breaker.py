"""The circuit breaker: while the database is away, nobody waits for it but one probe at a time."""

import logging
import random
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Engine

from app.backoff import pause_after
from app.orders.errors import UnavailableError

PROBE_SECONDS: Final = (1.0, 2.0, 4.0)
"""The longest time from one failed probe to the next, at least half of it; the last repeats."""
LISTENING_SECONDS: Final = 1
SILENCE_SECONDS: Final = 10
"""So long nothing is said again of what is refused."""
MYSQL_PORT: Final = 3306

log = logging.getLogger(__name__)


class Breaker:
    """Closed while the database answers; opened by a failure, closed again by a success.

    Source: Michael Nygard, Release It! (2007), the circuit breaker.

    Args:
        is_listening: Is asked before a probe is let through where the last one was refused.

    """

    def __init__(self, is_listening: Callable[[], bool] = lambda: True) -> None:
        self._is_listening = is_listening
        self._failures = 0
        self._refused = False
        self._probe_at = 0.0
        self._silent_until = 0.0
        self._when_back: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the database was away when it was last asked."""
        return self._failures > 0

    @property
    def seconds_to_probe(self) -> float:
        """How long nobody is let through from now; 0 if somebody is."""
        return max(0, self._probe_at - time.monotonic()) if self.is_open else 0

    def tell_when_back(self, callback: Callable[[], None]) -> None:
        """Have this called, in whatever thread, each time that the database is back."""
        self._when_back.append(callback)

    def check(self) -> None:
        """Let the caller through, as one of all or as the probe.

        Raises:
            UnavailableError: The database is away, and it is not time for the next probe.

        """
        if not self.is_open:
            return
        now = time.monotonic()
        if now >= self._probe_at:
            self._probe_at = now + self._interval()
            if not self._refused or self._is_listening() or not self.is_open:
                return
            self._count_failure()
        raise UnavailableError("the database is away", retry_after_seconds=random.randint(1, 5))

    def opened_by(self, reason: object) -> None:
        """Take in that the database could not be reached."""
        if not self.is_open:
            log.error("the database is away: %s", reason)
        # Only PyMySQL keeps what was raised before its own error, and only its failure is dear.
        self._refused = isinstance(
            getattr(reason, "original_exception", None), ConnectionRefusedError
        )
        self._count_failure()

    def refused_because(self, reason: object) -> None:
        """Take in that the database is there but does nothing for now; say so once in a while."""
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + SILENCE_SECONDS
            log.error("the database refuses: %s", reason)

    def succeeded(self) -> None:
        """Take in that the database has answered."""
        if self.is_open:
            self._failures = 0
            log.warning("the database is back")
            for callback in self._when_back:
                callback()

    def _count_failure(self) -> None:
        self._failures += 1
        self._probe_at = time.monotonic() + self._interval()

    def _interval(self) -> float:
        return pause_after(self._failures, PROBE_SECONDS)


_breakers: WeakKeyDictionary[Engine, Breaker] = WeakKeyDictionary()


def breaker_of(engine: Engine) -> Breaker:
    """Return the one breaker of this engine."""
    return _breakers.setdefault(engine, Breaker(partial(_is_listening, engine.url)))


def _is_listening(url: URL) -> bool:
    """Tell whether a connection would be taken, for a quarter of what PyMySQL's refusal costs.

    True also where only the driver can tell: a Unix socket, a name that cannot be looked up.
    """
    if url.host is None or url.query:
        return True
    try:
        socket.create_connection((url.host, url.port or MYSQL_PORT), LISTENING_SECONDS).close()
    except (ConnectionRefusedError, TimeoutError):
        return False
    except OSError:
        return True
    return True
