"""Claiming orders: who gets them, and what a repeated claim does."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app.clock import utc_now
from app.orders import store
from app.orders.lifecycle import (
    COMPLETE,
    FAIL,
    RELEASE,
    RETRY_LATER,
    Claim,
    OrderStatus,
    Transition,
)
from tests.builders import draft, ending, hint
from tests.integration.moves import (
    OTHER,
    OWNER,
    all_rows,
    claim,
    in_transaction,
    place,
    place_and_claim,
    row,
    seen,
    settle,
)


def test_a_claim_takes_an_order_with_owner_fence_attempt_and_time(engine: Engine) -> None:
    (placed,) = place(engine)
    before = utc_now()
    claims, moved = in_transaction(engine, store.claim, [placed], owner_id=OWNER)
    found = row(engine, placed.id)
    assert (claims, moved) == ([Claim(placed)], 1)
    assert (found.status, found.owner_id) == (OrderStatus.PROCESSING, OWNER)
    assert (found.fence, found.attempts) == (claims[0].fence, claims[0].attempt) == (1, 1)
    assert before <= found.started_at == found.updated_at <= utc_now()


def test_claims_come_by_id_whatever_the_order_of_the_hints(engine: Engine) -> None:
    placed = place(engine, *(draft() for _ in range(5)))
    claims = claim(engine, [*reversed(placed), placed[2]])
    assert [each.hint.id for each in claims] == [each.id for each in placed]


def test_hints_of_different_fences_are_claimed_together(engine: Engine) -> None:
    fresh, tried = place(engine, draft(), draft())
    settle(engine, [ending(claim(engine, [tried])[0], RETRY_LATER)])
    claims = claim(engine, seen(engine, [fresh.id, tried.id]))
    assert {each.hint.id: each.attempt for each in claims} == {fresh.id: 1, tried.id: 2}


def test_what_another_has_claimed_is_not_claimed(engine: Engine) -> None:
    placed = place(engine, *(draft() for _ in range(4)))
    claim(engine, placed[1:3], owner=OTHER)
    claims, moved = in_transaction(engine, store.claim, placed, owner_id=OWNER)
    assert [each.hint.id for each in claims] == [placed[0].id, placed[3].id]
    assert moved == 2
    assert row(engine, placed[1].id).owner_id == OTHER


def test_a_claim_that_was_lost_in_a_commit_is_read_back_and_moves_nothing(engine: Engine) -> None:
    placed = place(engine, draft(), draft())
    first = claim(engine, placed)
    again, moved = in_transaction(engine, store.claim, placed, owner_id=OWNER)
    assert (again, moved) == (first, 0)
    assert [each.fence for each in all_rows(engine)] == [1, 1]


@pytest.mark.parametrize("transition", [COMPLETE, FAIL, RETRY_LATER, RELEASE])
def test_a_hint_at_what_has_ended_since_claims_nothing(
    engine: Engine, transition: Transition
) -> None:
    placed = place(engine)
    settle(engine, [ending(claim(engine, placed)[0], transition)])
    assert claim(engine, placed) == []


def test_a_hint_at_no_row_claims_nothing(engine: Engine) -> None:
    assert claim(engine, [hint(4711)]) == []


def test_a_clock_that_jumped_back_starts_no_order_before_its_creation(engine: Engine) -> None:
    later = utc_now() + timedelta(hours=1)
    (claimed,) = place_and_claim(engine, draft(created_at=later))
    assert row(engine, claimed.hint.id).started_at == later
