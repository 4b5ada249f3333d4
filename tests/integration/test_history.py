"""The past in steps, as the samples tell it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from app.orders import samples
from app.orders.history import LAST_DAY, LAST_HOUR, Step, Window, read_history
from tests.integration.moves import in_transaction

NOW = datetime(2026, 1, 2, 3, 0, 25)  # noqa: DTZ001 -- naive UTC, as the tables hold it
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- the same


def take(engine: Engine, ago_seconds: int, **totals: int) -> None:
    """Keep a sample of so many seconds before `NOW`."""
    at = (NOW - timedelta(seconds=ago_seconds) - EPOCH).total_seconds()
    in_transaction(engine, samples.take, totals, now=at)


def history(engine: Engine, window: Window = LAST_HOUR) -> list[Step | None]:
    return in_transaction(engine, read_history, window, now=NOW)


@pytest.mark.parametrize(("window", "steps"), [(LAST_HOUR, 120), (LAST_DAY, 144)])
def test_a_window_without_samples_has_all_its_steps_and_nothing_in_them(
    engine: Engine, window: Window, steps: int
) -> None:
    assert history(engine, window) == [None] * steps


def test_a_step_is_the_difference_of_two_samples(engine: Engine) -> None:
    take(engine, 35, place=10, claim=10, complete=10, waiting_le_05=10)
    take(engine, 5, place=40, claim=30, complete=25, waiting_le_05=10, waiting_le_20=15)
    *before, last = history(engine)
    assert before == [None] * 119
    assert last is not None
    assert (last.accepted_per_minute, last.completed_per_minute) == (60, 30)
    assert last.backlog == 15
    assert last.waiting["p50"] == pytest.approx(0.82, abs=0.1)
    assert last.processing["p95"] is None


def test_a_rate_is_divided_by_the_time_from_one_sample_to_the_other(engine: Engine) -> None:
    take(engine, 65, place=0)
    take(engine, 26, place=39)  # nine seconds into its interval; the others are at the beginning
    take(engine, 5, place=60)
    assert [each.accepted_per_minute for each in history(engine) if each] == [60, 60]


def test_of_several_samples_in_a_step_the_last_one_counts(engine: Engine) -> None:
    for ago, placed in ((55, 0), (35, 7), (25, 100), (15, 200), (5, 300)):
        take(engine, ago, place=placed)
    rates = [each.accepted_per_minute for each in history(engine) if each]
    assert rates == [2 * (300 - 7)]


def test_a_pause_of_the_service_is_a_gap_and_thins_out_no_rate(engine: Engine) -> None:
    take(engine, 605, place=10)
    take(engine, 5, place=30)
    *before, last = history(engine)
    assert set(before) == {None}
    assert last is not None
    assert last.accepted_per_minute == 40


def test_counters_that_began_anew_count_nothing_negative(engine: Engine) -> None:
    take(engine, 35, place=100, complete=100)
    take(engine, 5, place=4, complete=2)
    last = history(engine)[-1]
    assert last is not None
    assert (last.accepted_per_minute, last.completed_per_minute) == (0, 0)
