"""The circuit breaker between this process and its database."""

import socket
from itertools import pairwise
from types import SimpleNamespace

import pytest
from sqlalchemy import Engine, create_engine

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


def test_once_the_database_is_away_nobody_waits_for_it_and_retries_are_spread(
    now: list[float],
) -> None:
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


REFUSED = SimpleNamespace(original_exception=ConnectionRefusedError())
"""What PyMySQL raises has this."""


def test_as_long_as_nothing_listens_not_even_the_probe_is_let_through(now: list[float]) -> None:
    listening = [False, False, True]
    guard = Breaker(lambda: listening.pop(0))
    guard.opened_by(REFUSED)
    for seconds, longest in pairwise(PROBE_SECONDS):
        now[0] += seconds
        assert [is_through(guard) for _ in range(3)] == [False] * 3
        assert longest / 2 <= guard.seconds_to_probe <= longest
    now[0] += PROBE_SECONDS[2]
    assert is_through(guard)
    assert listening == []


def test_after_another_failure_than_a_refusal_nobody_asks_who_listens(now: list[float]) -> None:
    """A server that stands still would count each time as a handshake that was broken off."""
    guard = Breaker(lambda: False)
    guard.opened_by(REFUSED)
    guard.opened_by(SimpleNamespace(original_exception=TimeoutError()))
    now[0] += PROBE_SECONDS[1]
    assert is_through(guard)


def test_a_look_that_took_too_long_opens_nothing_again(now: list[float]) -> None:
    def look() -> bool:
        guard.succeeded()  # of another thread
        return False

    guard = Breaker(look)
    guard.opened_by(REFUSED)
    now[0] += PROBE_SECONDS[0]
    assert is_through(guard)
    assert guard.seconds_to_probe == 0


def test_it_tells_how_long_nobody_is_let_through(now: list[float]) -> None:
    guard = Breaker()
    assert guard.seconds_to_probe == 0
    guard.opened_by("no connection")
    assert PROBE_SECONDS[0] / 2 <= guard.seconds_to_probe <= PROBE_SECONDS[0]
    now[0] += guard.seconds_to_probe
    assert guard.seconds_to_probe == 0
    assert is_through(guard)
    guard.succeeded()
    assert guard.seconds_to_probe == 0


def engine_at(port: int, options: str = "") -> Engine:
    return create_engine(f"mysql+pymysql://somebody@127.0.0.1:{port}/orders{options}")


def lets_the_probe_through(engine: Engine) -> bool:
    guard = breaker_of(engine)
    guard.opened_by(REFUSED)
    guard._probe_at = 0
    return is_through(guard)


def test_whether_anything_listens_is_asked_at_the_address_of_the_database() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert lets_the_probe_through(engine_at(port))
    assert not lets_the_probe_through(engine_at(port))


def test_what_only_the_driver_knows_how_to_reach_is_left_to_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert lets_the_probe_through(engine_at(port, "?unix_socket=/run/mysqld/mysqld.sock"))
    assert lets_the_probe_through(create_engine("sqlite://"))


def test_a_name_that_cannot_be_looked_up_is_left_to_the_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def create_connection(_address: object, _timeout: float) -> None:
        raise socket.gaierror

    monkeypatch.setattr(breaker.socket, "create_connection", create_connection)
    assert lets_the_probe_through(engine_at(3306))


def test_a_look_goes_to_the_default_port_and_does_not_take_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[object] = []

    def create_connection(address: tuple[str, int], timeout: float) -> None:
        looked.append((address, timeout))
        raise TimeoutError

    monkeypatch.setattr(breaker.socket, "create_connection", create_connection)
    assert not lets_the_probe_through(create_engine("mysql+pymysql://somebody@127.0.0.1/orders"))
    assert looked == [(("127.0.0.1", 3306), 1)]


def test_whoever_asked_is_told_once_that_the_database_is_back() -> None:
    guard, told = Breaker(), []
    guard.tell_when_back(lambda: told.append("back"))
    guard.succeeded()
    assert told == []
    guard.opened_by("no connection")
    guard.succeeded()
    guard.succeeded()
    assert told == ["back"]


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
