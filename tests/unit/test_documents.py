"""How orders look as JSON."""

import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.api.documents import plain_number, timestamp

LARGEST_CENTS = 999_999_999_999


@given(st.integers(0, LARGEST_CENTS))
@example(LARGEST_CENTS)
@example(1)
def test_an_amount_is_written_exactly(cents: int) -> None:
    amount = Decimal(cents).scaleb(-2)
    written = json.dumps(plain_number(amount))
    assert Decimal(written) == amount
    assert "e" not in written


@pytest.mark.parametrize(
    ("amount", "written"), [("1234", "1234"), ("1234.00", "1234"), ("0", "0"), ("59.90", "59.9")]
)
def test_an_amount_has_no_more_digits_than_it_needs(amount: str, written: str) -> None:
    assert json.dumps(plain_number(Decimal(amount))) == written


@pytest.mark.parametrize("microsecond", [0, 1, 123456])
def test_a_time_always_has_six_decimals_and_its_zone(microsecond: int) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, microsecond)  # noqa: DTZ001 -- as the tables hold it
    assert timestamp(moment) == f"2026-01-02T03:04:05.{microsecond:06}Z"


def test_no_time_stays_none() -> None:
    assert timestamp(None) is None
