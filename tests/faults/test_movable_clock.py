"""The clock of another process moves when it is told to, and its monotonic clock does not."""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.movable_clock import MovableClock

HOUR = 3600
# Python asks clock_gettime; uWSGI, and what else is written in C, may ask the other two.
LOOK = """
import ctypes, time
libc = ctypes.CDLL(None)
libc.time.restype = ctypes.c_long
of_day = (ctypes.c_long * 2)()
while input():
    libc.gettimeofday(of_day, None)
    print(int(time.time()), of_day[0], libc.time(None), int(time.monotonic()), flush=True)
"""


def test_it_moves_at_once_and_the_monotonic_clock_does_not(tmp_path: Path) -> None:
    clock = MovableClock(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", LOOK],
        env=os.environ | {name: str(value) for name, value in clock.settings.items()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for offset in (0, HOUR, -HOUR, 0):
            clock.move(offset)
            earliest = (time.time() + offset, time.monotonic())
            print("look", file=process.stdin, flush=True)
            *looks, monotonic = map(int, process.stdout.readline().split())
            latest = (time.time() + offset, time.monotonic())
            assert all(int(earliest[0]) <= look <= latest[0] for look in looks)
            assert int(earliest[1]) <= monotonic <= latest[1]
        print(file=process.stdin, flush=True)
