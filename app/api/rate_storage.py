"""Where the rate limit counts: in memory that all uWSGI workers of a host share."""

import struct
import time
from typing import Any, Final

from limits.storage import MemoryStorage, Storage

CACHE: Final = "limits"
"""The name of the cache in uwsgi.ini."""
_WINDOW: Final = struct.Struct("<Qd")
"""How often the key was counted, and when its window ends, in seconds since 1970."""


def rate_storage() -> Storage:
    """Return the storage to count in; outside uWSGI that is this process's own memory."""
    try:
        import uwsgi  # noqa: PLC0415 -- exists only inside uWSGI
    except ImportError:
        return MemoryStorage()
    return UwsgiStorage(uwsgi)


class UwsgiStorage(Storage):
    """Fixed windows in uWSGI's shared cache; a window begins with its first request.

    uWSGI's own `cache_inc` is atomic but does not return the count, hence the lock. It is let go of
    by itself when a worker is killed that holds it.
    """

    STORAGE_SCHEME = None

    def __init__(self, uwsgi: Any) -> None:
        super().__init__()
        self._uwsgi = uwsgi

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Which exceptions mean that the storage failed: it has none of its own."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more in the key's window of `expiry` seconds; returns the count."""
        self._uwsgi.lock()
        try:
            now = time.time()
            count, end = self._window(key)
            if not now < end <= now + expiry:  # it is over, or the clock was set back
                count, end = 0, now + expiry
            count += amount
            self._uwsgi.cache_update(key, _WINDOW.pack(count, end), expiry + 1, CACHE)
        finally:
            self._uwsgi.unlock()
        return count

    def get(self, key: str) -> int:
        """Return the count in the key's window."""
        count, end = self._window(key)
        return count if time.time() < end else 0

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends, in seconds since 1970; now if there is none."""
        return self._window(key)[1] or time.time()

    def check(self) -> bool:
        """Return True: it is as healthy as uWSGI itself."""
        return True

    def reset(self) -> int | None:
        """Forget every key; returns None, since nobody has counted them."""
        self._uwsgi.cache_clear(CACHE)
        return None

    def clear(self, key: str) -> None:
        """Forget the key."""
        self._uwsgi.cache_del(key, CACHE)

    def _window(self, key: str) -> tuple[int, float]:
        record: bytes | None = self._uwsgi.cache_get(key, CACHE)
        return (0, 0.0) if record is None else _WINDOW.unpack(record)
