"""How a user's identifier is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.orders.identifiers import LARGEST_INTEGER, shown


@given(st.integers(1, LARGEST_INTEGER))
def test_an_integer_comes_back_as_an_integer(number: int) -> None:
    assert shown(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        *["0", "01", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1\n", "1_000", "", "a"],
        *["\N{ARABIC-INDIC DIGIT ONE}", "1²", str(LARGEST_INTEGER + 1), "9" * 64],
    ],
)
def test_what_is_no_canonical_integer_stays_text(text: str) -> None:
    assert shown(text) == text
    assert isinstance(shown(text), str)


@given(st.text())
def test_what_is_shown_is_stored_as_it_was(text: str) -> None:
    assert str(shown(text)) == text
