"""How the service is, in one word; and each worker."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from app.dashboard.formats import count, duration
from app.database import AnyRow
from app.orders.lifecycle import OrderStatus
from app.orders.overview import Present
from app.orders.workers import RETIRED, WorkerState

BEHIND_SECONDS: Final = 60
"""An order that has waited longer at the head of the queue is worth a word."""


class Tone(StrEnum):
    """How alarming something is; the names are classes of the style sheet."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Health:
    """The word, why, and how alarming that is."""

    word: str
    reason: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """A worker as the page shows it."""

    row: AnyRow
    tone: Tone
    state: str
    beat_age: float
    """Seconds since its last heartbeat."""
    completed: int | None
    """None once it is gone and its counters were added to the others'."""

    @property
    def gone(self) -> bool:
        """Whether it left or was taken for dead: it holds nothing any more."""
        return bool(self.row.state >= RETIRED)


def worker_lines(present: Present, silent_after: timedelta) -> list[WorkerLine]:
    """Return the workers, the living first.

    Args:
        present: As it was read.
        silent_after: A heartbeat that is older makes a worker look dead.

    """
    lines = [_worker_line(present, row, silent_after) for row in present.workers]
    return sorted(lines, key=lambda line: (line.gone, -line.row.id))


def health(present: Present, lines: list[WorkerLine]) -> Health:
    """Return how the service is, the worst first."""
    beating = [line for line in lines if line.tone in {Tone.GOOD, Tone.WARN}]
    silent = [line for line in lines if line.state == "silent"]
    slots = {(line.row.host, line.row.slot) for line in beating}
    dead = [line for line in lines if line.state == "dead"]
    missing = {(line.row.host, line.row.slot) for line in dead} - slots
    waited = present.metrics.oldest_pending_age or 0.0
    if not beating:
        return Health("Down", "no worker has a fresh heartbeat", Tone.BAD)
    if silent:
        return Health("Degraded", f"{_workers(len(silent))} silent", Tone.BAD)
    if missing:
        return Health("Degraded", f"{_workers(len(missing))} dead and not replaced", Tone.BAD)
    if waited > BEHIND_SECONDS:
        return Health("Behind", f"the next order has waited {duration(waited)}", Tone.WARN)
    pending = present.metrics.counts[OrderStatus.PENDING]
    reason = f"{_workers(len(beating))} at work" if pending else f"{_workers(len(beating))} ready"
    return Health("Healthy", reason, Tone.GOOD)


def _worker_line(present: Present, row: AnyRow, silent_after: timedelta) -> WorkerLine:
    beat_age = present.now - row.beat_at
    if row.state == WorkerState.LEFT:
        tone, state = Tone.GONE, "left"
    elif row.state == RETIRED:
        tone, state = Tone.BAD, "dead"
    elif beat_age > silent_after:
        tone, state = Tone.BAD, "silent"
    elif row.state == WorkerState.DRAINING:
        tone, state = Tone.WARN, "draining"
    else:
        tone, state = Tone.GOOD, "working" if row.current_order or row.queue_length else "idle"
    completed = present.completed_by.get(row.id, None if row.state >= RETIRED else 0)
    return WorkerLine(row, tone, state, max(0.0, beat_age.total_seconds()), completed)


def _workers(number: int) -> str:
    return f"{count(number)} worker{'' if number == 1 else 's'}"
