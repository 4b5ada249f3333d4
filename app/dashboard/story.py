"""What happened to an order, as one reads it: event by event."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from app.dashboard.health import Tone
from app.database import AnyRow
from app.orders.durations import worked
from app.orders.lifecycle import ADOPT, FAIL, RELEASE, RETRY_LATER, OrderStatus
from app.orders.timeline import Timeline

_OUTCOMES: Final = {
    RETRY_LATER.name: ("failed, to be tried again", Tone.WARN),
    FAIL.name: ("failed for good", Tone.BAD),
    RELEASE.name: ("given back by a worker that stopped", Tone.GONE),
    ADOPT.name: ("lost with its worker, taken over by another", Tone.WARN),
}
_ENDS: Final = {
    OrderStatus.COMPLETED: ("Completed", Tone.GOOD),
    OrderStatus.FAILED: ("Failed", Tone.BAD),
    OrderStatus.CANCELLED: ("Cancelled", Tone.GONE),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    title: str
    at: datetime | None = None
    """None where no time was kept."""
    outcome: str = ""
    error: str | None = None
    seconds: float | None = None
    """How long it took; None for what takes no time."""
    tone: Tone = Tone.GONE


def story(timeline: Timeline, now: datetime) -> list[Event]:
    """Return the events, the first one first."""
    return list(_events(timeline, now))


def _events(timeline: Timeline, now: datetime) -> Iterator[Event]:
    order = timeline.order
    yield Event("Created", order.created_at)
    last_attempt = 0
    for attempt in timeline.attempts:
        if attempt.attempt <= last_attempt:
            yield Event("Sent round again by hand")
        last_attempt = attempt.attempt
        yield _of_attempt(attempt)
    one_more = order.status in {OrderStatus.PROCESSING, OrderStatus.COMPLETED}
    if order.attempts < last_attempt + one_more:
        yield Event("Sent round again by hand")
    if one_more:
        yield _of_last_attempt(order, now)
    if order.status in _ENDS:
        title, tone = _ENDS[order.status]
        yield Event(title, order.completed_at, tone=tone)
    elif order.status is OrderStatus.PENDING:
        yield Event("Waiting for a worker", tone=Tone.WARN)


def _of_attempt(attempt: AnyRow) -> Event:
    outcome, tone = _OUTCOMES[attempt.outcome]
    begun = attempt.started_at
    return Event(
        title=f"Attempt {attempt.attempt}",
        at=begun or attempt.ended_at,
        outcome=outcome,
        error=attempt.error,
        seconds=None if begun is None else (attempt.ended_at - begun).total_seconds(),
        tone=tone,
    )


def _of_last_attempt(order: AnyRow, now: datetime) -> Event:
    """Return the attempt that runs, or that has completed the order."""
    runs = order.completed_at is None
    return Event(
        title=f"Attempt {order.attempts}",
        at=order.started_at,
        outcome="is running" if runs else "completed the order",
        seconds=worked(order, now),
        tone=Tone.WARN if runs else Tone.GOOD,
    )
