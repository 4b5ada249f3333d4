"""What an order must be, as api.md has it under "Values"."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.api.schemas import MAX_ITEMS, RESERVED_ORDER_IDS, NewOrder

LARGEST = 2**63 - 1
NESTED_LIST: list[Any] = []
for _ in range(500):
    NESTED_LIST = [NESTED_LIST]

identifiers = st.integers(1, LARGEST) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=64
)


def order(**members: Any) -> NewOrder:
    return NewOrder.model_validate({"user_id": 1, "item_ids": [1], "total_amount": 1} | members)


def pointers(**members: Any) -> list[tuple[Any, ...]]:
    """Return where an order of these members is refused; fails if it is not."""
    with pytest.raises(ValidationError) as refusal:
        order(**members)
    return [error["loc"] for error in refusal.value.errors()]


@given(identifiers, st.lists(identifiers, min_size=1, max_size=20))
def test_identifiers_are_kept_as_sent(user_id: int | str, item_ids: list[int | str]) -> None:
    taken = order(user_id=user_id, item_ids=item_ids)
    assert (taken.user_id, taken.item_ids) == (user_id, item_ids)
    assert [type(each) for each in taken.item_ids] == [type(each) for each in item_ids]


NO_IDENTIFIERS = {
    "zero": 0,
    "negative": -1,
    "too large": LARGEST + 1,
    "of 4,000 digits": int("9" * 4000),
    "true": True,
    "false": False,
    "a fraction": Decimal("1.5"),
    "a whole fraction": Decimal("1.0"),
    "empty": "",
    "too long": "x" * 65,
    "of 1,000,000 characters": "x" * 1_000_000,
    "only a NUL": "\0",
    "with a NUL": "a\0b",
    "ending in a NUL": "a\0",
    "a lone surrogate": "\ud800",
    "with a lone surrogate": "a\udfffb",
    "null": None,
    "a list": [1],
    "an object": {"a": 1},
    "nested deeply": NESTED_LIST,
}


@pytest.mark.parametrize("value", NO_IDENTIFIERS.values(), ids=NO_IDENTIFIERS)
def test_what_is_no_identifier_is_refused_where_it_stands(value: object) -> None:
    assert pointers(user_id=value) == [("user_id",)]
    assert pointers(item_ids=["ok", value, 3]) == [("item_ids", 1)]


@pytest.mark.parametrize("value", ["x" * 64, "\U0001f600" * 64, " ", "\n", "0", "-1", "'; --"])
def test_a_string_of_up_to_64_characters_is_an_identifier(value: str) -> None:
    assert order(user_id=value).user_id == value


def test_a_list_has_1_to_1000_items() -> None:
    assert pointers(item_ids=[]) == [("item_ids",)]
    assert len(order(item_ids=[7] * MAX_ITEMS).item_ids) == MAX_ITEMS == 1000
    assert pointers(item_ids=[7] * (MAX_ITEMS + 1)) == [("item_ids",)]


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("item_ids", ["item_ids"]),
        ("a,b", ["a", "b"]),
        (" a , b ", ["a", "b"]),
        ("1,2,1", ["1", "2", "1"]),
    ],
)
def test_a_plain_string_is_a_comma_separated_list(text: str, items: list[str]) -> None:
    assert order(item_ids=text).item_ids == items


@pytest.mark.parametrize("text", ["", ",", "a,", ",a", "a,,b", " ", "a,\0", "a,\ud800"])
def test_a_comma_separated_list_has_no_bad_item(text: str) -> None:
    assert {where[:1] for where in pointers(item_ids=text)} == {("item_ids",)}


@pytest.mark.parametrize("value", [None, 1, True, {}, {"0": 1}, Decimal("1.5")])
def test_another_value_is_no_list(value: object) -> None:
    assert pointers(item_ids=value) == [("item_ids",)]


@given(st.integers(0, 999_999_999_999))
def test_an_amount_is_exact_as_number_or_string(cents: int) -> None:
    amount = Decimal(cents).scaleb(-2)
    assert order(total_amount=amount).total_amount == amount
    assert order(total_amount=f"{amount:.2f}").total_amount == amount


@pytest.mark.parametrize("value", [0, 1234, "0", "0.5", "0.50", Decimal("0.00"), 9_999_999_999])
def test_an_amount_may_be_whole_or_have_up_to_two_decimals(value: Any) -> None:
    assert order(total_amount=value).total_amount == Decimal(value)
    assert str(order(total_amount=value).total_amount) == f"{Decimal(value):.2f}"


NO_AMOUNTS = {
    "negative": -1,
    "minus zero": Decimal("-0.0"),
    "a negative string": "-1",
    "too large": 10_000_000_000,
    "too large by a hundredth": Decimal("10000000000.00"),
    "three decimals": Decimal("0.001"),
    "three decimals, all zero": Decimal("1.000"),
    "true": True,
    "false": False,
    "null": None,
    "empty": "",
    "a word": "ten",
    "an exponent": "1e2",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "a float": 1.5,
    "spaces": " 1",
    "a line end": "1\n",
    "a plus": "+1",
    "underscores": "1_000",
    "commas": "1,000",
    "a leading zero": "01",
    "a bare point": "1.",
    "no whole part": ".5",
    "other digits": "\N{ARABIC-INDIC DIGIT ONE}",
    "a NUL": "1\0",
    "a lone surrogate": "\ud800",
    "of 4,000 digits": int("9" * 4000),
    "a list": [1],
    "an object": {"a": 1},
}


@pytest.mark.parametrize("value", NO_AMOUNTS.values(), ids=NO_AMOUNTS)
def test_what_is_no_amount_is_refused(value: object) -> None:
    assert pointers(total_amount=value) == [("total_amount",)]


@pytest.mark.parametrize("value", ["11", "A-1", "a.b_c:d-e", "x" * 64, "Bulk", "0", "orders"])
def test_an_order_id_is_kept_as_sent(value: str) -> None:
    assert order(order_id=value).order_id == value


NO_ORDER_IDS = {
    "empty": "",
    "too long": "x" * 65,
    "a space": "a b",
    "a slash": "a/b",
    "a line end": "a\n",
    "a NUL": "a\0",
    "not ASCII": "ä",
    "a lone surrogate": "\ud800",
    "an integer": 11,
    "true": True,
    "a list": [],
    "an object": {},
    **{f"the route {word}": word for word in sorted(RESERVED_ORDER_IDS)},
}


@pytest.mark.parametrize("value", NO_ORDER_IDS.values(), ids=NO_ORDER_IDS)
def test_what_is_no_order_id_is_refused(value: object) -> None:
    assert pointers(order_id=value) == [("order_id",)]


def test_the_reserved_words_are_the_routes() -> None:
    assert sorted(RESERVED_ORDER_IDS) == ["bulk", "metrics", "populate"]


@pytest.mark.parametrize("absent", [{}, {"order_id": None}])
def test_an_order_id_is_optional(absent: dict[str, None]) -> None:
    assert order(**absent).order_id is None


def test_every_missing_and_every_unknown_member_is_named() -> None:
    with pytest.raises(ValidationError) as refusal:
        NewOrder.model_validate({"user": 1, "Total_amount": 2})
    assert {error["loc"] for error in refusal.value.errors()} == {
        ("user_id",),
        ("item_ids",),
        ("total_amount",),
        ("user",),
        ("Total_amount",),
    }


def test_an_unknown_member_whose_name_is_no_text_is_refused() -> None:
    assert pointers(**{"\ud800": 1})
