"""What was read a moment ago, shared by everyone who looks."""

import math
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Entry(Generic[Value]):
    """What is kept for one key; times are monotonic seconds."""

    value: Value
    """Not there until it is read for the first time."""

    def __init__(self) -> None:
        self.reading = threading.Lock()
        self.read_at = -math.inf
        self.asked_at = -math.inf


class Recent(Generic[Key, Value]):
    """Keeps values for a moment, so that many viewers cost as much as one.

    While one thread reads a value anew the others get the old one: a slow database holds up one
    thread for each value, not one for each viewer.

    Args:
        good_seconds: How old a value may be before it is read anew.
        usable_seconds: How old a value may be that is returned meanwhile: beyond it one waits. A
            key that nobody asks for any longer is forgotten after this time.
        max_entries: More keys than this, and the one that was asked for longest ago is forgotten.

    """

    def __init__(
        self, *, good_seconds: float, usable_seconds: float = 10, max_entries: int = 64
    ) -> None:
        self._good_seconds = good_seconds
        self._usable_seconds = usable_seconds
        self._max_entries = max_entries
        self._entries: dict[Key, _Entry[Value]] = {}  # the one asked for last stands last
        self._finding = threading.Lock()

    def get(self, key: Key, read: Callable[[], Value]) -> Value:
        """Return the key's value, perhaps a moment old; whatever `read` raises is raised here."""
        now = time.monotonic()
        entry = self._find(key, now)
        read_at = entry.read_at
        if now - read_at < self._good_seconds:
            return entry.value
        if not entry.reading.acquire(blocking=now - read_at > self._usable_seconds):
            return entry.value
        try:
            if entry.read_at == read_at:  # otherwise it was read while this thread has waited
                began = time.monotonic()
                entry.value = read()
                entry.read_at = began
            return entry.value
        finally:
            entry.reading.release()

    def _find(self, key: Key, now: float) -> _Entry[Value]:
        """Return the key's entry, perhaps a new one, and forget what nobody asks for."""
        with self._finding:
            entry = self._entries.pop(key, None) or _Entry()
            entry.asked_at = now
            self._entries[key] = entry
            if len(self._entries) > self._max_entries:
                del self._entries[next(iter(self._entries))]
            for other in list(self._entries):
                if now - self._entries[other].asked_at > self._usable_seconds:
                    del self._entries[other]
        return entry
