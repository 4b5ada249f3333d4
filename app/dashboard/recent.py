"""What was read a moment ago, shared by everyone who looks."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Entry(NamedTuple, Generic[Value]):
    value: Value
    good_until: float
    """Monotonic seconds."""


class Recent(Generic[Key, Value]):
    """Keeps values for a moment, so that many viewers cost as much as one.

    While one thread reads a value anew the others get the old one: a slow database holds up one
    thread, not one for each viewer.

    Args:
        good_seconds: How old a value may be before it is read anew.
        max_entries: More keys than this, and the oldest one is forgotten.

    """

    def __init__(self, *, good_seconds: float, max_entries: int = 64) -> None:
        self._good_seconds = good_seconds
        self._max_entries = max_entries
        self._entries: dict[Key, _Entry[Value]] = {}
        self._reading = threading.Lock()

    def get(self, key: Key, read: Callable[[], Value]) -> Value:
        """Return the key's value, perhaps a moment old; whatever `read` raises is raised here."""
        entry = self._entries.get(key)
        if entry is not None and time.monotonic() < entry.good_until:
            return entry.value
        if not self._reading.acquire(blocking=entry is None):
            assert entry is not None  # noqa: S101 -- otherwise it would have waited
            return entry.value
        try:
            return self._read(key, read)
        finally:
            self._reading.release()

    def _read(self, key: Key, read: Callable[[], Value]) -> Value:
        entry = self._entries.get(key)
        now = time.monotonic()
        if entry is not None and now < entry.good_until:  # read while this thread has waited
            return entry.value
        value = read()
        self._entries.pop(key, None)
        self._entries[key] = _Entry(value, now + self._good_seconds)
        if len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]
        return value
