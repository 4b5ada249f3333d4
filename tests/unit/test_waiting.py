"""Requests that wait for an order: how long, and how many."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from app.orders.errors import OrderNotFoundError
from app.orders.lifecycle import OrderStatus
from app.processing.waiting import Waiting

LONG = 1000
SECONDS = 30


class Reads:
    """Returns an order in one status after the other, in the last one for ever."""

    def __init__(self, *statuses: OrderStatus) -> None:
        self._statuses = list(statuses)
        self.count = 0

    def __call__(self, order_id: str) -> Any:
        status = self._statuses[min(self.count, len(self._statuses) - 1)]
        self.count += 1
        return SimpleNamespace(order_id=order_id, status=status)


PENDING, PROCESSING = OrderStatus.PENDING, OrderStatus.PROCESSING


@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CANCELLED"])
def test_a_request_waits_until_the_order_has_ended(end: str) -> None:
    reads = Reads(PENDING, PENDING, PROCESSING, OrderStatus(end))
    assert Waiting(reads, max_requests=1).until_ended("A", LONG).status == end
    assert reads.count == 4


def test_an_order_that_has_ended_is_not_waited_for() -> None:
    reads = Reads(OrderStatus.FAILED)
    assert Waiting(reads, max_requests=1).until_ended("A", LONG).status == "FAILED"
    assert reads.count == 1


def test_a_request_that_wants_not_to_wait_does_not() -> None:
    reads = Reads(PENDING)
    assert Waiting(reads, max_requests=1).until_ended("A", 0).status == PENDING
    assert reads.count == 1


def test_when_the_time_is_over_the_order_is_shown_as_it_is() -> None:
    reads = Reads(PENDING, PROCESSING)
    assert Waiting(reads, max_requests=1).until_ended("A", 0.5).status == PROCESSING


def test_a_service_with_few_threads_lets_nobody_wait() -> None:
    assert Waiting(Reads(PENDING), max_requests=0).until_ended("A", LONG).status == PENDING


def test_an_order_that_is_not_there_is_not_waited_for() -> None:
    def get(order_id: str) -> Any:
        raise OrderNotFoundError(order_id)

    with pytest.raises(OrderNotFoundError):
        Waiting(get, max_requests=1).until_ended("A", LONG)


def test_those_who_would_be_too_many_do_not_wait_and_later_ones_can() -> None:
    ended, waits = threading.Event(), threading.Semaphore(0)

    def get(order_id: str) -> Any:
        waits.release()
        status = OrderStatus.COMPLETED if ended.is_set() else PENDING
        return SimpleNamespace(order_id=order_id, status=status)

    waiting = Waiting(get, max_requests=2)
    with ThreadPoolExecutor(2) as threads:
        patient = [threads.submit(waiting.until_ended, "A", LONG) for _ in range(2)]
        for _ in range(6):  # the two have read twice at least: they are waiting
            assert waits.acquire(timeout=SECONDS)
        assert waiting.until_ended("A", LONG).status == PENDING
        ended.set()
        assert [each.result().status for each in patient] == ["COMPLETED"] * 2
    reads = Reads(PENDING, OrderStatus.COMPLETED)
    waiting._get = reads
    assert waiting.until_ended("A", LONG).status == "COMPLETED"


def test_an_error_ends_the_wait_and_makes_room() -> None:
    def get(order_id: str) -> Any:
        if next(turn) == 1:
            raise OrderNotFoundError(order_id)
        return SimpleNamespace(order_id=order_id, status=PENDING)

    turn = iter(range(100))
    waiting = Waiting(get, max_requests=1)
    with pytest.raises(OrderNotFoundError):
        waiting.until_ended("A", LONG)
    waiting._get = reads = Reads(PENDING, PENDING, OrderStatus.COMPLETED)
    assert waiting.until_ended("A", LONG).status == "COMPLETED"
    assert reads.count == 3
