"""The points at which a process of a test build dies or stands still.

KILL_POINTS names a directory. A point is armed while a file there is named like it, for the next
process to come by.
"""

import os
from pathlib import Path

from tests.processes import wait_until

SECONDS = 60


def reached(point: str) -> bool:
    """Whether the point was armed; from now on it is not."""
    if "KILL_POINTS" not in os.environ:
        return False
    try:
        _file(point).unlink()
    except FileNotFoundError:
        return False
    return True


def wait_until_reached(point: str) -> None:
    """Return once a process has come by."""
    wait_until(lambda: not _file(point).exists(), SECONDS, point)


def _file(point: str) -> Path:
    return Path(os.environ["KILL_POINTS"]) / point
