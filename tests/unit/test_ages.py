"""Ages as they are typed."""

from datetime import timedelta

import click
import pytest

from app.commands.ages import Age


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("0s", 0), ("90s", 90), ("15m", 900), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_an_age_is_a_number_and_a_unit(typed: str, seconds: int) -> None:
    assert Age().convert(typed, None, None) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "typed", ["", "30", "d", "-1d", "1.5h", "30 d", "1y", "\u0661d", "100000d"]
)
def test_anything_else_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="should be a number and a unit"):
        Age().convert(typed, None, None)
