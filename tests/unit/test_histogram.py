"""Durations in exponential buckets, and percentiles from them."""

import math
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.orders.histogram import (
    BUCKETS_PER_DECADE,
    LAST_BUCKET,
    SHORTEST_SECONDS,
    bucket,
    cumulative,
    percentile,
    upper_bound,
)

BUCKET_WIDTH = 10 ** (1 / BUCKETS_PER_DECADE)
ROUNDING = 1 + 1e-6
LONGEST_SECONDS = upper_bound(LAST_BUCKET)

durations = st.floats(SHORTEST_SECONDS, LONGEST_SECONDS)


@given(durations)
@example(SHORTEST_SECONDS)
@example(0.001)
@example(1.0)
@example(LONGEST_SECONDS)
def test_a_duration_lies_between_the_bounds_of_its_bucket(seconds: float) -> None:
    number = bucket(seconds)
    assert seconds <= upper_bound(number) * ROUNDING
    assert seconds > upper_bound(number - 1) / ROUNDING


@pytest.mark.parametrize("number", range(LAST_BUCKET + 1))
def test_an_upper_bound_belongs_to_its_own_bucket(number: int) -> None:
    assert bucket(upper_bound(number)) == number
    assert bucket(upper_bound(number) * 1.001) == min(number + 1, LAST_BUCKET)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 1e-9, SHORTEST_SECONDS])
def test_what_is_too_short_to_tell_is_in_the_first_bucket(seconds: float) -> None:
    assert bucket(seconds) == 0


@pytest.mark.parametrize("seconds", [LONGEST_SECONDS * 2, 1e12])
def test_what_is_longer_than_the_scale_is_in_the_last_bucket(seconds: float) -> None:
    assert bucket(seconds) == LAST_BUCKET


def test_the_last_bucket_ends_at_100_000_seconds() -> None:
    assert pytest.approx(100_000) == LONGEST_SECONDS


@given(st.lists(durations, min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_is_off_by_less_than_one_bucket(taken: list[float], fraction: float) -> None:
    exact = sorted(taken)[math.ceil(fraction * len(taken)) - 1]
    estimate = percentile(Counter(bucket(seconds) for seconds in taken), fraction)
    assert estimate is not None
    assert exact / BUCKET_WIDTH / ROUNDING <= estimate <= exact * BUCKET_WIDTH * ROUNDING


@given(st.dictionaries(st.integers(0, LAST_BUCKET), st.integers(0, 1000), min_size=1))
def test_percentiles_do_not_fall(histogram: dict[int, int]) -> None:
    found = [percentile(histogram, fraction / 20) for fraction in range(1, 21)]
    if sum(histogram.values()):
        assert found == sorted(found)
    else:
        assert found == [None] * 20


def test_without_orders_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


@given(st.lists(st.integers(0, round(2 * LONGEST_SECONDS * 1e6)), max_size=50))
@example([100, 101, 158, 159, 1_584_893, 1_584_894])
def test_each_bound_has_the_orders_below_it(microseconds: list[int]) -> None:
    seconds = [each / 1e6 for each in microseconds]
    shown = cumulative(Counter(map(bucket, seconds)))
    assert len(shown) == LAST_BUCKET + 1
    for bound, within in shown[:-1]:
        tolerance = bound * 1e-8  # of the logarithm that finds the bucket
        assert within >= sum(each <= bound for each in seconds)
        assert within <= sum(each <= bound + tolerance for each in seconds)
    assert shown[-1] == (math.inf, len(seconds))
