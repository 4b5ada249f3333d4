"""The processor's thread while the database is away: what it waits for, and for how long."""

import threading
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import pytest

from app.orders.errors import UnavailableError
from app.processing import processor
from app.processing.processor import AWAY_SECONDS
from app.processing.supervisor import HANG_LEASES
from tests.integration.bench import LONG_SECONDS, Bench
from tests.integration.moves import statuses
from tests.processes import wait_until


def start_and_wait_for_a_beat(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the processor's thread, and return once it waits: for nothing but a beat."""
    waits = threading.Event()
    changed = bench.membership._changed

    def wait_for(news: Callable[[], bool], _seconds: float) -> bool:
        waits.set()
        return threading.Condition.wait_for(changed, news, LONG_SECONDS)

    monkeypatch.setattr(changed, "wait_for", wait_for)
    bench.processor.start()
    assert waits.wait(10)


def test_a_processor_that_waits_for_the_database_goes_on_with_the_beat_that_gets_through(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.place("A-1")
    bench.membership.end()
    start_and_wait_for_a_beat(bench, monkeypatch)
    bench.supervisor.tick()
    wait_until(lambda: statuses(bench.engine) == ["COMPLETED"], 10, "the order ended")
    assert bench.processor.stop(drain_seconds=10)


@pytest.mark.parametrize("news", ["a beat", "the stop"])
def test_news_that_come_before_the_wait_end_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, news: str
) -> None:
    """Such as during a turn that is about to fail."""
    bench.membership.end()
    stopping: list[threading.Thread] = []

    def bring(_message: str, _error: object) -> None:  # between the failure and the wait
        if news == "a beat":
            bench.supervisor.tick()
        elif not stopping:
            stop = partial(bench.processor.stop, drain_seconds=10)
            stopping.append(threading.Thread(target=stop))
            stopping[0].start()
            assert bench.processor._stopping.wait(10)
            wait_until(lambda: bench.membership.news > beats, 10, "the word to stop")

    beats = bench.membership.news
    monkeypatch.setattr(processor, "AWAY_SECONDS", LONG_SECONDS)
    monkeypatch.setattr(processor.log, "debug", bring)
    bench.place("A-1")
    bench.processor.start()
    if news == "a beat":
        wait_until(lambda: statuses(bench.engine) == ["COMPLETED"], 10, "the order ended")
        assert bench.processor.stop(drain_seconds=10)
    else:
        bench.processor._thread.join(10)
        assert not bench.processor._thread.is_alive()
        stopping[0].join()


def test_a_processor_outlives_any_number_of_failures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(range(2000))

    def fail() -> None:
        if not left:
            bench.processor._stopping.set()
            return
        raise [UnavailableError("away"), RuntimeError("a bug")][left.pop() % 2]

    monkeypatch.setattr(bench.processor, "step", fail)
    monkeypatch.setattr(processor.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(bench.membership, "wait_for_news", lambda _seen, _seconds: None)
    silent = SimpleNamespace(debug=lambda *_: None, exception=lambda *_: None)
    monkeypatch.setattr(processor, "log", silent)
    bench.processor._run()
    assert left == []


def test_to_wait_for_the_database_is_not_to_hang(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle: list[float] = []

    def fail() -> None:
        bench.processor._progress_at -= LONG_SECONDS
        raise UnavailableError("away")

    def wait(_seen: int, _seconds: float) -> None:
        idle.append(bench.processor.idle_seconds)
        bench.processor._stopping.set()

    monkeypatch.setattr(bench.processor, "step", fail)
    monkeypatch.setattr(bench.membership, "wait_for_news", wait)
    bench.processor._run()
    assert idle == [pytest.approx(0, abs=10)]


def test_a_turn_that_fails_again_and_again_is_no_progress(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Semaphore(0)

    def fail(*_: object, **__: object) -> None:
        tried.release()
        raise ValueError("a bug")

    monkeypatch.setattr(processor, "BACKOFF_SECONDS", (0.01,))
    monkeypatch.setattr(bench.processor, "_progress_at", 0.0)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(bench.service, "turn", fail)
        bench.place("A-1")
        bench.processor.start()
        assert all(tried.acquire(timeout=60) for _ in range(3))
        assert bench.processor._progress_at == 0
    wait_until(lambda: statuses(bench.engine) == ["COMPLETED"], 60, "the order ended")
    assert bench.processor.stop(drain_seconds=60)


def test_a_wait_is_over_long_before_it_would_be_hanging() -> None:
    shortest_lease = 5
    assert HANG_LEASES * shortest_lease / 2 > AWAY_SECONDS


def test_a_processor_that_waits_for_the_database_stops_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.membership.end()
    start_and_wait_for_a_beat(bench, monkeypatch)
    assert bench.processor.stop(drain_seconds=10)
