"""One transaction of the processor, and what a COMMIT without an answer does to it."""

from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from app.clock import utc_now
from app.orders.lifecycle import (
    COMPLETE,
    FAIL,
    FOREVER_DUE,
    RELEASE,
    RETRY_LATER,
    Ending,
    Hint,
    OrderStatus,
)
from app.orders.service import OrderService, Turn
from tests.builders import draft, ending
from tests.integration.commits import Commits
from tests.integration.moves import (
    OTHER,
    OWNER,
    adopt,
    all_rows,
    claim,
    differences,
    place,
    place_and_claim,
    seen,
    statuses,
    totals,
    until_known,
)


def turn(
    service: OrderService,
    endings: Sequence[Ending] = (),
    hints: list[Hint] | None = None,
    *,
    sweep_limit: int = 0,
    worker_id: int = OWNER,
) -> Turn:
    """Take a turn, and once more if its outcome stayed open, as the processor does."""
    hints = [] if hints is None else hints
    return until_known(
        lambda: service.turn(endings, hints, sweep_limit=sweep_limit, worker_id=worker_id)
    )


def ids(turn: Turn) -> list[int]:
    return [each.hint.id for each in turn.claims]


def test_endings_and_the_next_claims_share_a_turn(engine: Engine, service: OrderService) -> None:
    held = place_and_claim(engine, draft(), draft())
    waiting = place(engine, draft())
    took = turn(service, [ending(each) for each in held], waiting)
    assert (ids(took), took.stale) == ([waiting[0].id], [])
    assert statuses(engine) == ["COMPLETED", "COMPLETED", "PROCESSING"]
    assert differences(engine) == []


def test_a_sweep_claims_the_oldest(engine: Engine, service: OrderService) -> None:
    placed = place(engine, *(draft() for _ in range(5)))
    assert ids(turn(service, sweep_limit=3)) == [each.id for each in placed[:3]]
    assert ids(turn(service, sweep_limit=3)) == [each.id for each in placed[3:]]
    assert ids(turn(service, sweep_limit=3)) == []
    assert totals(engine)["claim"] == 5


@pytest.mark.parametrize(("limit", "more"), [(2, True), (3, True), (4, False)])
def test_a_sweep_tells_whether_it_may_have_left_something(
    engine: Engine, service: OrderService, limit: int, more: bool
) -> None:
    place(engine, draft(), draft(), draft())
    assert turn(service, sweep_limit=limit).more is more


def test_a_sweep_that_had_to_be_repeated_may_have_left_something(
    engine: Engine, service: OrderService, commits: Commits
) -> None:
    """It claims what it had found the first time, and does not look again."""
    place(engine, draft())
    commits.refuse(meanwhile=lambda: place(engine, draft()))
    took = turn(service, sweep_limit=5)
    assert len(took.claims) == 1
    assert took.more


def test_what_a_sweep_found_is_left_in_the_callers_list(
    engine: Engine, service: OrderService
) -> None:
    placed = place(engine, draft(), draft())
    hints: list[Hint] = []
    turn(service, [], hints, sweep_limit=5)
    assert hints == placed


def test_an_order_given_back_can_be_claimed_in_the_same_turn(
    engine: Engine, service: OrderService
) -> None:
    (held,) = place_and_claim(engine)
    took = turn(service, [ending(held, RETRY_LATER, available_at=FOREVER_DUE)], sweep_limit=5)
    assert [each.attempt for each in took.claims] == [2]
    assert differences(engine) == []


@pytest.mark.parametrize("happened", [True, False])
def test_what_a_lost_sweep_has_found_may_be_what_its_endings_give_back(
    engine: Engine, service: OrderService, commits: Commits, happened: bool
) -> None:
    (late,) = place_and_claim(engine)
    adopt(engine)
    claim(engine, seen(engine, [late.hint.id]), owner=OTHER)
    (held,) = place_and_claim(engine)
    commits.lose(happened)
    endings = [ending(held, RETRY_LATER, available_at=FOREVER_DUE), ending(late)]
    took = turn(service, endings, sweep_limit=5)
    assert endings[1] in took.stale
    assert ids(took) == [held.hint.id]
    assert differences(engine) == []


def test_a_turn_of_nothing_writes_nothing(engine: Engine, service: OrderService) -> None:
    assert turn(service) == Turn([], [])
    assert totals(engine) == {}


def test_an_ending_that_was_taken_over_is_stale_and_not_counted(
    engine: Engine, service: OrderService
) -> None:
    late, ours = place_and_claim(engine, draft(), draft())
    claim(engine, [], owner=OTHER)
    adopt(engine)
    (again,) = claim(engine, seen(engine, [ours.hint.id]))
    endings = [ending(late), ending(again)]
    took = turn(service, endings)
    assert took.stale == endings[:1]
    assert statuses(engine) == ["PENDING", "COMPLETED"]
    assert totals(engine)["complete"] == 1
    assert differences(engine) == []


def test_a_stale_hint_costs_nothing(engine: Engine, service: OrderService) -> None:
    hints = place(engine, draft(), draft())
    claim(engine, hints[:1], owner=OTHER)
    assert ids(turn(service, [], hints)) == [hints[1].id]
    assert totals(engine)["claim"] == 2
    assert differences(engine) == []


# --- COMMITs without an answer -------------------------------------------------------------------

LOST = pytest.mark.parametrize(
    "happened", [[True], [False], [True, True], [False, True], [True, False]], ids=str
)


@LOST
def test_endings_whose_commit_was_lost_are_written_once(
    engine: Engine, service: OrderService, commits: Commits, happened: list[bool]
) -> None:
    held = place_and_claim(engine, *(draft() for _ in range(4)))
    transitions = [COMPLETE, FAIL, RETRY_LATER, RELEASE]
    endings = [ending(each, how) for each, how in zip(held, transitions, strict=True)]
    commits.lose(*happened)
    ended = 0 if any(happened) else 2  # an earlier try's are not this one's
    assert turn(service, endings) == Turn([], [], ended=ended)
    assert statuses(engine) == ["COMPLETED", "FAILED", "PENDING", "PENDING"]
    assert [each.fence for each in all_rows(engine)] == [2] * 4
    counted = totals(engine)
    assert [counted[how.name] for how in transitions] == [1] * 4
    assert differences(engine) == []


@LOST
def test_claims_whose_commit_was_lost_are_held_and_counted_once(
    engine: Engine, service: OrderService, commits: Commits, happened: list[bool]
) -> None:
    hints = place(engine, draft(), draft(), draft())
    claim(engine, hints[1:2], owner=OTHER)
    commits.lose(*happened)
    assert ids(turn(service, [], hints)) == [hints[0].id, hints[2].id]
    assert [(each.fence, each.attempts) for each in all_rows(engine)] == [(1, 1)] * 3
    assert totals(engine)["claim"] == 3
    assert differences(engine) == []


@LOST
def test_a_sweep_whose_commit_was_lost_claims_the_same_orders_once(
    engine: Engine, service: OrderService, commits: Commits, happened: list[bool]
) -> None:
    placed = [each.id for each in place(engine, *(draft() for _ in range(5)))]
    commits.lose(*happened)
    assert ids(turn(service, sweep_limit=3)) == placed[:3]
    assert statuses(engine) == ["PROCESSING"] * 3 + ["PENDING"] * 2
    assert totals(engine)["claim"] == 3
    assert differences(engine) == []


@LOST
def test_a_whole_turn_whose_commit_was_lost_happens_once(
    engine: Engine, service: OrderService, commits: Commits, happened: list[bool]
) -> None:
    held = place_and_claim(engine, draft(), draft())
    waiting = [each.id for each in place(engine, draft(), draft())]
    commits.lose(*happened)
    took = turn(service, [ending(each) for each in held], sweep_limit=1)
    assert (ids(took), took.stale) == (waiting[:1], [])
    assert statuses(engine) == ["COMPLETED", "COMPLETED", "PROCESSING", "PENDING"]
    counted = totals(engine)
    assert (counted["claim"], counted["complete"]) == (3, 2)
    assert differences(engine) == []


def test_a_claim_that_was_adopted_while_its_commit_was_in_doubt_is_not_held(
    engine: Engine, service: OrderService
) -> None:
    hints = place(engine, draft(), draft())
    claim(engine, hints)
    adopt(engine)
    assert turn(service, [], hints).claims == []
    assert [each.status for each in all_rows(engine)] == [OrderStatus.PENDING] * 2
    assert differences(engine) == []


def test_the_times_of_completed_orders_are_counted(engine: Engine, service: OrderService) -> None:
    now = utc_now()
    (held,) = place_and_claim(engine, draft(created_at=now.replace(microsecond=0)))
    began = held.hint.created_at
    turn(
        service,
        [
            ending(
                held,
                started_at=began.replace(microsecond=250_000),
                ended_at=began.replace(microsecond=750_000),
            )
        ],
    )
    counted = totals(engine)
    assert (counted["waiting_us"], counted["processing_us"]) == (250_000, 500_000)
