"""What happened to an order, event by event."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.dashboard.story import story
from app.orders.lifecycle import OrderStatus
from app.orders.timeline import Timeline

BEGIN = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 -- naive UTC, as the tables hold it
NOW = BEGIN + timedelta(minutes=1)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def order(status: str, *, attempts: int = 0, **times: datetime) -> Any:
    """Return a row of an order created at `BEGIN`."""
    columns = {"created_at": BEGIN, "started_at": None, "completed_at": None} | times
    return SimpleNamespace(status=OrderStatus(status), attempts=attempts, **columns)


def attempt(number: int, outcome: str, error: str | None = None) -> Any:
    """Return a row of an attempt of two seconds."""
    return SimpleNamespace(
        attempt=number, outcome=outcome, error=error, started_at=at(number), ended_at=at(number + 2)
    )


def told(row: Any, *attempts: Any) -> list[tuple[str, str, float | None]]:
    events = story(Timeline(row, attempts), NOW)
    return [(event.title, event.outcome, event.seconds) for event in events]


def test_an_order_that_completed_at_once_has_one_attempt() -> None:
    assert told(order("COMPLETED", attempts=1, started_at=at(3), completed_at=at(5))) == [
        ("Created", "", None),
        ("Attempt 1", "completed the order", 2),
        ("Completed", "", None),
    ]


def test_every_attempt_is_told_with_its_outcome() -> None:
    row = order("FAILED", attempts=2, started_at=at(4), completed_at=at(6))
    attempts = [attempt(1, "retry_later", "no paper"), attempt(2, "fail", "no ink")]
    assert told(row, *attempts) == [
        ("Created", "", None),
        ("Attempt 1", "failed, to be tried again", 2),
        ("Attempt 2", "failed for good", 2),
        ("Failed", "", None),
    ]
    assert [event.error for event in story(Timeline(row, attempts), NOW)] == [
        *(None, "no paper", "no ink", None)
    ]


def test_an_attempt_that_runs_is_told_up_to_now() -> None:
    assert told(order("PROCESSING", attempts=1, started_at=at(50)))[1:] == [
        ("Attempt 1", "is running", 10)
    ]


@pytest.mark.parametrize("outcome", ["release", "adopt"])
def test_an_attempt_that_was_taken_away_is_followed_by_waiting(outcome: str) -> None:
    titles = [title for title, _, _ in told(order("PENDING", attempts=1), attempt(1, outcome))]
    assert titles == ["Created", "Attempt 1", "Waiting for a worker"]


def test_a_retry_by_hand_shows_where_attempts_begin_anew() -> None:
    row = order("COMPLETED", attempts=2, started_at=at(20), completed_at=at(21))
    first_round, second_round = attempt(1, "fail"), attempt(1, "retry_later")
    assert [title for title, _, _ in told(row, first_round, second_round)] == [
        *("Created", "Attempt 1", "Sent round again by hand", "Attempt 1", "Attempt 2", "Completed")
    ]
    at_once = order("PROCESSING", attempts=1, started_at=at(20))
    assert [title for title, _, _ in told(at_once, first_round)] == [
        *("Created", "Attempt 1", "Sent round again by hand", "Attempt 1")
    ]
    waiting = told(order("PENDING"), first_round)
    assert waiting[2:] == [
        ("Sent round again by hand", "", None),
        ("Waiting for a worker", "", None),
    ]


def test_an_order_that_was_cancelled_says_so() -> None:
    assert told(order("CANCELLED", completed_at=at(9)))[1:] == [("Cancelled", "", None)]
