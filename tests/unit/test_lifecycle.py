"""The states, and how many orders stand in each."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.orders.lifecycle import TRANSITIONS, OrderStatus, Placed, status_counts
from tests.builders import claim, draft, hint


@st.composite
def lives(draw: st.DrawFn) -> list[str]:
    """The transitions of one order, from its placing on."""
    status, names = None, []
    for _ in range(draw(st.integers(1, 12))):
        possible = [each for each in TRANSITIONS if each.source is status]
        if not possible:
            break
        step = draw(st.sampled_from(possible))
        names.append(step.name)
        status = step.target
    return names


@given(st.lists(lives(), max_size=30))
def test_the_counts_are_where_the_transitions_led(orders: list[list[str]]) -> None:
    ends = {each.name: each.target for each in TRANSITIONS}
    stands_at = Counter(ends[life[-1]] for life in orders)
    moved = Counter(name for life in orders for name in life)
    assert status_counts(moved) == {status: stands_at[status] for status in OrderStatus}


def test_nothing_moved_means_no_orders() -> None:
    assert status_counts({}) == dict.fromkeys(OrderStatus, 0)


def test_counters_that_are_no_transitions_do_not_count() -> None:
    assert status_counts({"processing_us": 5, "waiting_le_03": 2})[OrderStatus.COMPLETED] == 0


def test_every_transition_has_a_name_of_its_own() -> None:
    assert len({each.name for each in TRANSITIONS}) == len(TRANSITIONS)


def test_a_completed_order_stays_completed() -> None:
    assert OrderStatus.COMPLETED not in {each.source for each in TRANSITIONS}


@pytest.mark.parametrize(("fence", "attempts"), [(0, 0), (2, 1), (7, 3)])
def test_a_claim_is_the_next_fence_and_the_next_attempt(fence: int, attempts: int) -> None:
    held = claim()
    assert (held.fence, held.attempt) == (1, 1)
    held = type(held)(hint(fence=fence, attempts=attempts))
    assert (held.fence, held.attempt) == (fence + 1, attempts + 1)


def test_the_hint_of_a_placed_order_is_fresh_and_carries_what_a_handler_needs() -> None:
    placed = Placed(7, draft("A-1", user_id="u", item_ids=[3, "x"]))
    seen = placed.hint
    assert (seen.id, seen.order_id, seen.user_id) == (7, "A-1", "u")
    assert (seen.item_ids, seen.total_amount) == ([3, "x"], placed.draft.total_amount)
    assert (seen.fence, seen.attempts, seen.solo) == (0, 0, False)
