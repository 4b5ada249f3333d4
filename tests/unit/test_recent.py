"""What many viewers share: read once, however many ask."""

import threading
from collections.abc import Callable

import pytest

from app.dashboard.recent import Recent

SECONDS = 10


class Source:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.times = 0

    def read(self) -> int:
        self.times += 1
        return self.times


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
