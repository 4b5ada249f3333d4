"""How many orders a batch takes."""

import pytest

from app.processing.pace import BATCH_SECONDS, MAX_BATCH, Pace


def settled(seconds_per_order: float, *, at_least: int = 1) -> Pace:
    """Return a pace that has seen this handler for long."""
    pace = Pace(at_least)
    for _ in range(100):
        pace.record(10, 10 * seconds_per_order)
    return pace


def test_before_the_first_measurement_orders_come_one_at_a_time() -> None:
    assert Pace().batch_size == 1


@pytest.mark.parametrize(
    ("seconds_per_order", "batch_size"),
    [(10.0, 1), (BATCH_SECONDS, 1), (BATCH_SECONDS / 10.5, 10), (1e-6, MAX_BATCH), (0, MAX_BATCH)],
)
def test_a_batch_takes_as_many_orders_as_its_time_allows(
    seconds_per_order: float, batch_size: int
) -> None:
    assert settled(seconds_per_order).batch_size == batch_size


def test_a_pool_of_threads_gets_an_order_for_each_however_slow_the_handler_is() -> None:
    assert settled(10.0, at_least=4).batch_size == 4


def test_one_slow_order_slows_a_fast_pace_at_once() -> None:
    pace = settled(1e-6)
    pace.record(1, 1.0)
    assert pace.batch_size == 1


def test_a_slow_pace_becomes_fast_again() -> None:
    pace = settled(1.0)
    rounds = 0
    while pace.batch_size < MAX_BATCH:
        pace.record(MAX_BATCH, 0.001)
        rounds += 1
    assert rounds < 50
