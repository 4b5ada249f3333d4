"""The queue of hints: bounded, disposable, in order."""

import threading

import pytest

from app.processing import hints as hints_module
from app.processing.hints import HintQueue
from tests.builders import hint

SECONDS = 5


def hints(first: int, last: int) -> list:
    return [hint(number) for number in range(first, last + 1)]


def taken(queue: HintQueue, limit: int = 100) -> list[int]:
    return [each.id for each in queue.take(limit, wait_seconds=0)]


def test_hints_come_out_in_order_and_no_more_than_asked_for() -> None:
    queue = HintQueue(10)
    queue.offer(hints(1, 3))
    queue.offer(hints(4, 5))
    assert len(queue) == 5
    assert taken(queue, 2) == [1, 2]
    assert taken(queue) == [3, 4, 5]
    assert taken(queue) == []


def test_a_full_queue_has_not_overflowed() -> None:
    queue = HintQueue(3)
    queue.offer(hints(1, 3))
    assert not queue.overflowed
    assert taken(queue) == [1, 2, 3]


@pytest.mark.parametrize("batches", [[(1, 4)], [(1, 3), (4, 4)], [(1, 1), (2, 9)]])
def test_an_overflow_drops_everything_and_takes_nothing_until_caught_up(
    batches: list[tuple[int, int]],
) -> None:
    queue = HintQueue(3)
    for batch in batches:
        queue.offer(hints(*batch))
    assert queue.overflowed
    assert len(queue) == 0
    queue.offer(hints(10, 11))
    assert taken(queue) == []
    queue.caught_up()
    assert not queue.overflowed
    queue.offer(hints(12, 13))
    assert taken(queue) == [12, 13]


def test_a_few_large_orders_overflow_it_like_many_small_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hints_module, "MAX_ITEMS", 10)
    queue = HintQueue(100)
    large = [hint(number)._replace(item_ids=["x"] * 5) for number in range(1, 4)]
    for _ in range(2):
        queue.offer(large[:2])
        assert not queue.overflowed
        assert taken(queue) == [1, 2]
    queue.offer(large[:2])
    queue.offer(large[2:])
    assert queue.overflowed
    assert len(queue) == 0
    queue.caught_up()
    queue.offer(large[:2])
    assert taken(queue) == [1, 2]


def test_a_take_waits_for_the_first_hint_only() -> None:
    queue = HintQueue()
    found: list[int] = []
    taker = threading.Thread(
        target=lambda: found.extend(each.id for each in queue.take(10, wait_seconds=SECONDS))
    )
    taker.start()
    queue.offer([hint(1)])
    taker.join(SECONDS)
    assert found == [1]


def test_a_take_gives_up_after_its_time() -> None:
    assert HintQueue().take(10, wait_seconds=0.01) == []


def test_a_wake_ends_the_wait_at_once() -> None:
    queue = HintQueue()
    taker = threading.Thread(target=lambda: queue.take(10, wait_seconds=1000), daemon=True)
    taker.start()
    queue.wake()
    taker.join(SECONDS)
    assert not taker.is_alive()


def test_a_wake_loses_no_hint() -> None:
    queue = HintQueue()
    queue.offer(hints(1, 2))
    queue.wake()
    queue.offer(hints(3, 4))
    assert taken(queue) == [1, 2]
    assert taken(queue) == [3, 4]


def test_a_wake_of_a_full_queue_changes_nothing() -> None:
    queue = HintQueue(2)
    queue.offer(hints(1, 2))
    queue.wake()
    assert not queue.overflowed
    assert taken(queue) == [1, 2]
