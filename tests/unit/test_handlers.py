"""Which function handles orders, what it is given, and how long its failures wait."""

import time
from pathlib import Path

import pytest

from app.errors import ConfigurationError
from app.processing.handlers import (
    MAX_BACKOFF_SECONDS,
    Order,
    backoff_seconds,
    load_handler,
    order_of,
)
from tests.builders import claim

NO_WORK = (0.0, 0.0)


def test_a_handler_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sound_handlers.py").write_text("def handle(order):\n    return order.order_id\n")
    monkeypatch.syspath_prepend(tmp_path)
    handler = load_handler("sound_handlers:handle", NO_WORK)
    assert handler(order_of(claim(7))) == "order-7"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("no_such_module:handle", "No module named 'no_such_module'"),
        ("json.no_such_module:handle", "No module named 'json.no_such_module'"),
        ("json:no_such_function", "'json' has no function 'no_such_function'"),
        ("json:__name__", "'json' has no function '__name__'"),
        ("json:", "'json' has no function ''"),
        ("json", "'json' has no function ''"),
        ("..json:loads", "'..json'"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_in_a_sentence(path: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^ORDER_HANDLER: ") as refusal:
        load_handler(path, NO_WORK)
    assert says in refusal.value.message
    assert "\n" not in refusal.value.message


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def handle(:\n", "SyntaxError"),
        ("1 / 0\n", "division by zero"),
        ("import no_such_module\n", "no_such_module"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_in_a_sentence(
    source: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_handlers.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match=r"^ORDER_HANDLER: .*'broken_handlers'") as refusal:
        load_handler("broken_handlers:handle", NO_WORK)
    assert reason in refusal.value.message
    assert "\n" not in refusal.value.message


def test_the_simulated_work_takes_a_time_between_its_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    work = load_handler("", (0.5, 1.5))
    for _ in range(50):
        work(order_of(claim()))
    assert all(0.5 <= seconds <= 1.5 for seconds in slept)
    assert len(set(slept)) > 1


def test_no_simulated_work_does_not_even_yield(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    load_handler("", NO_WORK)(order_of(claim()))
    assert slept == []


def test_a_handler_gets_the_order_as_it_was_meant_and_the_attempt() -> None:
    held = claim(7, attempt=3)
    assert order_of(held) == Order(
        id=7,
        order_id="order-7",
        user_id=1,
        item_ids=[1, 2],
        total_amount=held.hint.total_amount,
        attempt=3,
    )


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 2), (2, 4), (3, 8), (10, 900), (1000, 900), (10**6, 900)]
)
def test_a_backoff_doubles_up_to_a_bound_and_is_jittered_fully(
    attempt: int, longest: float
) -> None:
    drawn = [backoff_seconds(attempt, base_seconds=2) for _ in range(200)]
    assert all(0 <= seconds <= min(longest, MAX_BACKOFF_SECONDS) for seconds in drawn)
    assert min(drawn) < longest / 4
    assert max(drawn) > longest * 3 / 4
