"""How numbers are written on the page."""

from datetime import datetime

import pytest

from app.dashboard import formats


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (None, "\N{EN DASH}"),
        (0, "0 s"),
        (0.00042, "0.4 ms"),
        (0.042, "42 ms"),
        (1.25, "1.2 s"),
        (42.4, "42 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_is_told_in_the_units_that_matter(seconds: float | None, written: str) -> None:
    assert formats.duration(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "< 5 s"), (4.9, "< 5 s"), (9.7, "9 s"), (75, "1 min 15 s")]
)
def test_a_fresh_age_is_told_roughly(seconds: float, written: str) -> None:
    assert formats.age(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(None, "\N{EN DASH}"), (0, "0 s"), (0.2, "< 1 s"), (90, "1 min 30 s")]
)
def test_an_estimate_is_not_told_to_the_millisecond(seconds: float | None, written: str) -> None:
    assert formats.whole_seconds(seconds) == written


@pytest.mark.parametrize(("number", "written"), [(0, "0"), (0.25, "0.2"), (12_345.6, "12,346")])
def test_a_rate_has_as_many_digits_as_it_deserves(number: float, written: str) -> None:
    assert formats.rate(number) == written


def test_a_moment_is_told_to_the_millisecond() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678_901)  # noqa: DTZ001 -- naive UTC, as the tables hold it
    assert formats.moment(at) == "2026-01-02 03:04:05.678"
