"""Which handler was called for which order: a line per call, written before it does anything."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class HandlerCall:
    """One line: this process began this attempt (from 1) at this monotonic time."""

    order_id: str
    attempt: int
    pid: int
    monotonic_ns: int


def record(path: Path, order_id: str, attempt: int) -> None:
    """Append one line in one write, so that any number of processes may share the file."""
    line = f"{order_id} {attempt} {os.getpid()} {time.monotonic_ns()}\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def read_ledger(path: Path) -> list[HandlerCall]:
    """Return the calls in the order they began; none if no handler ever was called."""
    if not path.exists():
        return []
    fields = [line.split(" ") for line in path.read_text().splitlines()]
    return [HandlerCall(order_id, *map(int, numbers)) for order_id, *numbers in fields]
