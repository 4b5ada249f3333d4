"""What is wrong with a request is said in our words, and names what would be right."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.api.flaws import flaws
from app.api.list_query import ListQuery
from app.api.schemas import NewOrder

ORDER = {"user_id": 1, "item_ids": [1], "total_amount": 1}


def said_of(model: Any, value: Any) -> dict[str, str]:
    """Return what is said about each member of a value that the model refuses."""
    with pytest.raises(ValidationError) as refusal:
        model.model_validate(value)
    return {".".join(map(str, path)): sentence for path, sentence in flaws(refusal.value)}


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ("item_ids", [], "should have items, 1 at least"),
        ("item_ids", [1] * 1001, "should have 1000 items at most"),
        ("item_ids", None, "should be a list"),
        ("order_id", "\ud800", "should be Unicode text"),
        ("order_id", 7, "should be a string"),
        ("order_id", "a b", "should match ^[A-Za-z0-9._:-]{1,64}$"),
        ("order_id", "..", "should not be a step of a path"),
        ("items", 1, "should not be there: it is unknown"),
        ("{0}", 1, "should not be there: it is unknown"),
    ],
)
def test_a_member_at_fault(member: str, value: object, sentence: str) -> None:
    assert said_of(NewOrder, ORDER | {member: value}) == {member: sentence}


def test_members_that_are_missing() -> None:
    assert said_of(NewOrder, {}) == dict.fromkeys(ORDER, "should be there")


@pytest.mark.parametrize("value", [None, [], "order"])
def test_an_order_that_is_no_object(value: object) -> None:
    assert said_of(NewOrder, value) == {"": "should be a JSON object"}


@pytest.mark.parametrize(
    ("member", "value", "sentence"),
    [
        ("limit", "0", "should be 1 or more"),
        ("limit", "201", "should be 200 or less"),
        ("sort", "size", "should be '-created_at', 'created_at', '-id' or 'id'"),
        ("user_id", "x" * 65, "should have 64 characters at most"),
        ("user_id", "", "should have 1 characters at least"),
    ],
)
def test_a_parameter_at_fault(member: str, value: str, sentence: str) -> None:
    assert said_of(ListQuery, {member: value}) == {member: sentence}
