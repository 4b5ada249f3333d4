"""What many viewers share: read once, however many ask."""

import threading
import weakref
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app.dashboard import recent as recent_module
from app.dashboard.recent import Recent
from tests.processes import wait_until

SECONDS = 10


class Source:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.times = 0

    def read(self) -> int:
        self.times += 1
        return self.times


class Clock:
    """The monotonic clock, to be set; counts how often somebody looks."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the values are aged by."""
    made = Clock()
    monkeypatch.setattr(recent_module, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_many_who_ask_within_the_moment_cost_one_reading() -> None:
    source, recent = Source(), Recent[str, int](good_seconds=1000)
    assert [recent.get("a", source.read) for _ in range(20)] == [1] * 20


def test_after_the_moment_it_is_read_anew() -> None:
    source, recent = Source(), Recent[str, int](good_seconds=0)
    assert [recent.get("a", source.read) for _ in range(3)] == [1, 2, 3]


def test_each_key_has_its_own_value() -> None:
    source, recent = Source(), Recent[str, int](good_seconds=1000)
    assert [recent.get(key, source.read) for key in "abab"] == [1, 2, 1, 2]


def test_of_too_many_keys_the_oldest_is_forgotten() -> None:
    source, recent = Source(), Recent[str, int](good_seconds=1000, max_entries=2)
    assert [recent.get(key, source.read) for key in "abcba"] == [1, 2, 3, 2, 4]


def test_who_asks_while_another_reads_gets_the_old_value_at_once() -> None:
    recent = Recent[str, str](good_seconds=0)
    recent.get("a", lambda: "old")
    begun, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go_on.wait(SECONDS)
        return "new"

    reader = in_thread(lambda: recent.get("a", slow))
    assert begun.wait(SECONDS)
    assert recent.get("a", lambda: "never read") == "old"
    go_on.set()
    reader.join(SECONDS)
    assert not reader.is_alive()


def test_a_value_that_is_too_old_is_waited_for(clock: Clock) -> None:
    recent = Recent[str, str](good_seconds=1, usable_seconds=10)
    recent.get("a", lambda: "old")
    clock.seconds += 11
    begun = threading.Event()

    def slow() -> str:
        looks = clock.looks
        begun.set()
        wait_until(lambda: clock.looks > looks, SECONDS, "another one to ask")
        return "new"

    reader = in_thread(lambda: recent.get("a", slow))
    assert begun.wait(SECONDS)
    assert recent.get("a", lambda: "never read") == "new"
    reader.join(SECONDS)


def test_what_takes_longer_to_read_than_it_is_good_is_shared_by_all_who_waited(
    clock: Clock,
) -> None:
    source, recent = Source(), Recent[str, int](good_seconds=1)
    values: list[int] = []

    def slow() -> int:
        wait_until(lambda: clock.looks >= 6, SECONDS, "all five to ask, and one to begin")
        clock.seconds += 100
        return source.read()

    threads = [in_thread(lambda: values.append(recent.get("a", slow))) for _ in range(5)]
    for thread in threads:
        thread.join(SECONDS)
    assert values == [1] * 5


def test_nobody_waits_for_the_value_of_another_key() -> None:
    recent = Recent[str, bool](good_seconds=1000)
    begun, go_on = threading.Event(), threading.Event()
    values: list[bool] = []

    def slow() -> bool:
        begun.set()
        return go_on.wait(SECONDS)

    reader = in_thread(lambda: values.append(recent.get("a", slow)))
    assert begun.wait(SECONDS)
    assert recent.get("b", lambda: True)
    go_on.set()
    reader.join(SECONDS)
    assert values == [True]


def test_what_nobody_asks_for_is_forgotten(clock: Clock) -> None:
    recent = Recent[str, Source](good_seconds=1, usable_seconds=10)
    kept = weakref.ref(recent.get("a", Source))
    clock.seconds += 10
    recent.get("b", Source)
    assert kept() is not None
    clock.seconds += 1
    recent.get("b", Source)
    assert kept() is None


def test_those_who_wait_for_the_first_reading_share_it() -> None:
    source, recent = Source(), Recent[str, int](good_seconds=1000)
    together = threading.Barrier(5)
    values: list[int] = []

    def ask() -> None:
        together.wait(SECONDS)
        values.append(recent.get("a", source.read))

    threads = [in_thread(ask) for _ in range(5)]
    for thread in threads:
        thread.join(SECONDS)
    assert values == [1] * 5


def test_a_reading_that_fails_is_no_value_and_holds_up_nobody() -> None:
    recent = Recent[str, int](good_seconds=1000)

    def fail() -> int:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        recent.get("a", fail)
    assert recent.get("a", lambda: 7) == 7
