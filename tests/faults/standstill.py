"""How long the machine stood still: bounds are about the service, not about the machine."""

import threading
import time
from typing import Self

NAP_SECONDS = 0.05


class Standstill:
    """Sums up what a thread that does nothing but sleep has overslept, where it is much."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        began = time.monotonic()
        while not self._over.wait(NAP_SECONDS):
            now = time.monotonic()
            overslept = now - began - NAP_SECONDS
            self.seconds += overslept if overslept > NAP_SECONDS else 0
            began = now
