"""The circuit breaker between this process and its database."""

from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine

from app import breaker
from app.breaker import PROBE_SECONDS, Breaker, breaker_of
from app.orders.errors import UnavailableError


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, to be set."""
    clock = [1000.0]
    monkeypatch.setattr(breaker, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


def is_through(guard: Breaker) -> bool:
    try:
        guard.check()
    except UnavailableError:
        return False
    return True


def test_while_the_database_answers_everybody_is_let_through() -> None:
    assert all(is_through(Breaker()) for _ in range(3))


def test_once_the_database_is_away_nobody_waits_for_it_and_retries_are_spread() -> None:
    guard = Breaker()
    guard.opened_by("no connection")
    told = []
    for _ in range(100):
        with pytest.raises(UnavailableError) as refusal:
            guard.check()
        told.append(refusal.value.retry_after_seconds)
    assert set(told) == {1, 2, 3, 4, 5}


def test_after_a_while_one_is_let_through_as_the_probe(now: list[float]) -> None:
    guard = Breaker()
    guard.opened_by("no connection")
    assert not is_through(guard)
    now[0] += PROBE_SECONDS[0]
    assert [is_through(guard) for _ in range(3)] == [True, False, False]


def test_probes_that_fail_come_further_and_further_apart(now: list[float]) -> None:
    guard = Breaker()
    waited = []
    for _ in range(5):
        guard.opened_by("no connection")
        began = now[0]
        while not is_through(guard):
            now[0] += 0.01
        waited.append(now[0] - began)
    for seconds, longest in zip(waited, (1, 2, 4, 4, 4), strict=True):
        assert longest / 2 <= seconds <= longest + 0.02


def test_a_probe_that_never_comes_back_is_followed_by_another(now: list[float]) -> None:
    guard = Breaker()
    guard.opened_by("no connection")
    now[0] += PROBE_SECONDS[0]
    assert is_through(guard)
    now[0] += PROBE_SECONDS[0]
    assert is_through(guard)


def test_one_success_lets_everybody_through_again() -> None:
    guard = Breaker()
    guard.opened_by("no connection")
    guard.succeeded()
    assert all(is_through(guard) for _ in range(3))


def test_each_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    guard = Breaker()
    for _ in range(3):
        guard.opened_by("no connection")
    for _ in range(3):
        guard.succeeded()
    assert [record.getMessage() for record in caplog.records] == [
        "the database is away: no connection",
        "the database is back",
    ]


def test_an_engine_has_one_breaker() -> None:
    one, other = create_engine("sqlite://"), create_engine("sqlite://")
    assert breaker_of(one) is breaker_of(one)
    assert breaker_of(one) is not breaker_of(other)
