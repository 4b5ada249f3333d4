"""How many orders a batch takes, and how many come."""

import pytest

from app.processing.pace import BATCH_SECONDS, MAX_BATCH, MEMORY_SECONDS, Demand, Pace


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


def after(*recorded: tuple[float, int]) -> float:
    """Return the orders a second, after so many were recorded at these times."""
    demand = Demand()
    for now, orders in recorded:
        demand.record(orders, now=now)
    return demand.per_second


def test_before_two_records_no_demand_is_known() -> None:
    assert after() == 0
    assert after((7, 100)) == 0


@pytest.mark.parametrize("pause", [0.001, 0.04, 1.0])
def test_a_steady_demand_is_known_however_often_it_is_recorded(pause: float) -> None:
    steady = [(number * pause, round(500 * pause) or 1) for number in range(5000)]
    expected = (round(500 * pause) or 1) / pause
    assert after(*steady) == pytest.approx(expected, rel=0.01)


def test_demand_is_forgotten_by_time_and_not_by_how_often_it_is_recorded() -> None:
    busy = [(number * 0.01, 10) for number in range(100)]
    once = after(*busy, (1 + MEMORY_SECONDS, 0))
    often = after(*busy, *[(1 + n * MEMORY_SECONDS / 50, 0) for n in range(1, 51)])
    assert once == pytest.approx(often, rel=0.1)
    assert once < 500


def test_two_records_at_one_time_are_no_division_by_zero() -> None:
    assert after((1, 5), (1, 5)) == 0
