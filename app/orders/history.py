"""The past in steps: what happened in each, as the samples of the counters tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection

from app.orders import samples
from app.orders.durations import Durations
from app.orders.lifecycle import COMPLETE, PLACE, OrderStatus, status_counts

Totals = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Window:
    """How far to look back, and in which steps; the one a multiple of the other."""

    seconds: int
    step_seconds: int


LAST_HOUR: Final = Window(3600, 30)
LAST_DAY: Final = Window(86_400, 600)


@dataclass(frozen=True, slots=True)
class Step:
    """What happened in one step; durations in seconds, None where nothing completed."""

    begins_at: int
    """Seconds since the epoch."""
    accepted_per_minute: float
    completed_per_minute: float
    backlog: int
    """Orders that were pending or processing at its end."""
    waiting: Mapping[str, float | None]
    """Percentiles by name, as `p50` and `p95`."""
    processing: Mapping[str, float | None]
    """The same."""


def first_step(window: Window, now: datetime) -> int:
    """Return when the window's oldest step begins, in seconds since the epoch."""
    width = window.step_seconds
    current = int(now.replace(tzinfo=UTC).timestamp()) // width * width
    return current - window.seconds + width


def read_history(connection: Connection, window: Window, *, now: datetime) -> list[Step | None]:
    """Return the window's steps, the oldest first and the current one last.

    None stands for a step without a sample: nobody worked. The cost does not grow with the number
    of orders.
    """
    width = window.step_seconds
    first = first_step(window, now)
    found = samples.last_of_each(connection, since=first - width, step_seconds=width)
    steps = {}
    for before, after in pairwise(found):
        begins_at = after.interval_at // width * width
        elapsed = after.read_at - before.read_at
        if after.interval_at - before.interval_at > width:  # nobody worked for a part of it
            elapsed = min(elapsed, width)
        elapsed = max(1.0, elapsed)  # of two that are close together every order would be a peak
        steps[begins_at] = _step(begins_at, before.totals, after.totals, elapsed)
    return [steps.get(begins_at) for begins_at in range(first, first + window.seconds, width)]


def _step(begins_at: int, before: Totals, after: Totals, elapsed_seconds: float) -> Step:
    moved = {name: value - before.get(name, 0) for name, value in after.items()}
    happened = {name: times for name, times in moved.items() if times > 0}
    counts = status_counts(after)
    accepted, completed = (
        happened.get(each.name, 0) * 60 / elapsed_seconds for each in (PLACE, COMPLETE)
    )
    return Step(
        begins_at=begins_at,
        accepted_per_minute=accepted,
        completed_per_minute=completed,
        backlog=counts[OrderStatus.PENDING] + counts[OrderStatus.PROCESSING],
        waiting=Durations.counted(happened, "waiting").percentiles,
        processing=Durations.counted(happened, "processing").percentiles,
    )
