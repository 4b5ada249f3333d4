"""How the service is, in one word."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.dashboard.health import Tone, health, worker_lines
from app.orders.lifecycle import OrderStatus
from app.orders.overview import Present
from app.orders.workers import WorkerState

NOW = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 -- naive UTC, as the tables hold it
ACTIVE, DRAINING, RETIRED, LEFT = WorkerState
SILENT_AFTER = timedelta(seconds=9)


def worker(state: int = ACTIVE, *, slot: int = 1, beat_ago: float = 0) -> Any:
    """Return a row of a worker."""
    beat_at = NOW - timedelta(seconds=beat_ago)
    return SimpleNamespace(
        id=slot, host="here", slot=slot, state=state, beat_at=beat_at, current_order=None,
        queue_length=0,
    )  # fmt: skip


def judged(*rows: Any, oldest_pending_age: float | None = None) -> tuple[str, str]:
    metrics: Any = SimpleNamespace(
        oldest_pending_age=oldest_pending_age, counts=dict.fromkeys(OrderStatus, 0)
    )
    present = Present(NOW, metrics, rows, {})
    found = health(present, worker_lines(present, SILENT_AFTER))
    return found.word, found.reason


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([worker(), worker(slot=2)], ("Healthy", "2 workers ready")),
        ([], ("Down", "no worker has a fresh heartbeat")),
        ([worker(LEFT)], ("Down", "no worker has a fresh heartbeat")),
        ([worker(), worker(slot=2, beat_ago=10)], ("Degraded", "1 worker silent")),
        ([worker(), worker(RETIRED, slot=2)], ("Degraded", "1 worker dead and not replaced")),
        ([worker(), worker(RETIRED, slot=1)], ("Healthy", "1 worker ready")),
        ([worker(), worker(LEFT, slot=2)], ("Healthy", "1 worker ready")),
    ],
)
def test_the_word_is_that_of_the_workers(rows: list[Any], expected: tuple[str, str]) -> None:
    assert judged(*rows) == expected


def test_orders_that_wait_for_long_are_worth_a_word() -> None:
    told = judged(worker(), oldest_pending_age=90)
    assert told == ("Behind", "the next order has waited 1 min 30 s")


def test_the_living_come_first_and_the_dead_have_a_tone_of_their_own() -> None:
    rows = [worker(RETIRED), worker(LEFT, slot=2), worker(DRAINING, slot=3), worker(slot=4)]
    present = Present(NOW, Any, rows, {})
    lines = worker_lines(present, SILENT_AFTER)
    assert [(line.row.slot, line.tone) for line in lines] == [
        *((4, Tone.GOOD), (3, Tone.WARN), (2, Tone.GONE), (1, Tone.BAD))
    ]
