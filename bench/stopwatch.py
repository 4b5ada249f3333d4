"""Time on the wall and time on a core."""

import time
from statistics import median
from typing import Self


class Stopwatch:
    """Measures one stage again and again: on the wall, and on a core of this process."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []

    def __enter__(self) -> Self:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        wall, cpu = self._began
        self._cpu.append(time.process_time() - cpu)
        self._wall.append(time.perf_counter() - wall)

    def per_order(self, orders: int) -> str:
        """Return the usual microseconds of an order, when so many shared each measurement."""
        wall, cpu = (median(each) / orders * 1e6 for each in (self._wall, self._cpu))
        return f"{wall:.1f} ({cpu:.1f})"
