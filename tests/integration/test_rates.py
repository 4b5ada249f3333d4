"""How many orders a second come and go, from the samples of the counters."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine, insert

from app.orders import counters, model, samples
from app.orders.metrics import Metrics, read_metrics
from tests.integration.moves import OWNER, in_transaction

NOW = 1_800_000_003.0


def sample(engine: Engine, *, age: float, **totals: int) -> None:
    in_transaction(engine, samples.take, totals, now=NOW - age)


def metrics(engine: Engine) -> Metrics:
    moment = datetime.fromtimestamp(NOW, UTC).replace(tzinfo=None)
    return in_transaction(engine, read_metrics, now=moment)


@pytest.fixture(autouse=True)
def _counted(engine: Engine) -> None:
    in_transaction(engine, counters.add, OWNER, Counter(place=1000, complete=700, fail=100))


def test_rates_are_those_of_the_last_minute(engine: Engine) -> None:
    for age in range(0, 200, 10):
        sample(engine, age=age, place=1000 - 2 * age, complete=700 - age)
    found = metrics(engine)
    assert found.accepted_per_second == pytest.approx(2)
    assert found.completed_per_second == pytest.approx(1)


def test_what_was_counted_late_in_an_interval_is_divided_by_the_time_since(engine: Engine) -> None:
    sample(engine, age=2, place=0, complete=600)
    found = metrics(engine)
    assert (found.accepted_per_second, found.completed_per_second) == (500, 50)


def test_a_sample_that_does_not_say_when_it_was_taken_is_as_old_as_its_interval(
    engine: Engine,
) -> None:
    taken = {"taken_at": samples.interval(NOW - 20), "totals": {"place": 540}}
    in_transaction(engine, Connection.execute, insert(model.samples), taken)
    assert metrics(engine).accepted_per_second == pytest.approx(20)


def test_a_time_without_a_worker_does_not_dilute_them(engine: Engine) -> None:
    sample(engine, age=7200, place=0)
    sample(engine, age=20, place=960, complete=700)
    assert metrics(engine).accepted_per_second == pytest.approx(2)
    assert metrics(engine).completed_per_second == 0


@pytest.mark.parametrize("ages", [[], [7200]])
def test_without_a_sample_of_the_last_minute_they_are_zero(engine: Engine, ages: list[int]) -> None:
    for age in ages:
        sample(engine, age=age)
    found = metrics(engine)
    assert (found.accepted_per_second, found.completed_per_second) == (0, 0)


def test_a_clock_that_was_set_back_makes_no_rate_negative(engine: Engine) -> None:
    sample(engine, age=-3600, place=2000)
    assert metrics(engine).accepted_per_second == 0


def test_samples_of_before_the_clock_was_set_back_stand_in_nobodys_way(engine: Engine) -> None:
    for age in range(-3600, 200, 10):
        sample(engine, age=age, place=200, complete=200)
    in_transaction(engine, samples.thin_out, now=NOW - 200)
    for age in range(200, 0, -10):
        sample(engine, age=age, place=1000 - 2 * age)
    assert metrics(engine).accepted_per_second == pytest.approx(2)


def test_the_backlog_is_worked_off_at_the_current_pace(engine: Engine) -> None:
    assert metrics(engine).drain_seconds is None  # nobody works
    sample(engine, age=60, complete=640)
    found = metrics(engine)
    assert found.drain_seconds == pytest.approx(200 / found.completed_per_second)
    in_transaction(engine, counters.add, OWNER, Counter(cancel=200))
    assert metrics(engine).drain_seconds == 0
