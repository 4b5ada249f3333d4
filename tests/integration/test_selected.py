"""Moving all orders of a selection by hand."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from app.clock import utc_now
from app.orders import selected
from app.orders.lifecycle import CANCEL, FAIL, OrderStatus
from app.orders.listing import Selection
from app.orders.selected import Progress, SelectedMoves
from tests.builders import draft, ending
from tests.integration.commits import Commits
from tests.integration.moves import (
    OTHER,
    OWNER,
    all_rows,
    claim,
    differences,
    logged_moves,
    place,
    place_and_claim,
    seen,
    settle,
    statuses,
    totals,
)

only_on = pytest.mark.only_on
PENDING = Selection(OrderStatus.PENDING, oldest_first=True)
FAILED = Selection(OrderStatus.FAILED, oldest_first=True)
CANCELLED = Selection(OrderStatus.CANCELLED, oldest_first=True)


@pytest.fixture
def moves(engine: Engine) -> SelectedMoves:
    return SelectedMoves(engine, worker_id=lambda: OWNER)


def failed(engine: Engine, *, orders: int) -> None:
    """Have so many orders fail."""
    claims = place_and_claim(engine, *(draft() for _ in range(orders)))
    settle(engine, [ending(each, FAIL) for each in claims])


def test_all_pending_orders_are_cancelled_and_counted(
    engine: Engine, moves: SelectedMoves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selected, "BATCH", 2)
    monkeypatch.setattr(selected, "TURN_SECONDS", 1000)
    place_and_claim(engine)
    place(engine, *(draft() for _ in range(5)))
    assert moves.cancel(PENDING) == Progress(5, None)
    assert statuses(engine) == ["PROCESSING"] + ["CANCELLED"] * 5
    assert totals(engine)["cancel"] == 5
    assert differences(engine) == []
    assert moves.cancel(PENDING) == Progress(0, None)


def test_all_failed_orders_go_round_again_with_all_their_attempts(
    engine: Engine, moves: SelectedMoves
) -> None:
    failed(engine, orders=3)
    place(engine)
    assert moves.retry(FAILED) == Progress(3, None)
    assert statuses(engine) == ["PENDING"] * 4
    assert {row.attempts for row in all_rows(engine)} == {0}
    assert totals(engine)["reopen_failed"] == 3
    assert differences(engine) == []


def test_cancelled_orders_go_round_again(engine: Engine, moves: SelectedMoves) -> None:
    place(engine, draft(), draft())
    moves.cancel(PENDING)
    assert moves.retry(CANCELLED) == Progress(2, None)
    assert totals(engine)["reopen_cancelled"] == 2
    assert differences(engine) == []


def test_only_the_users_own_orders_are_moved(engine: Engine, moves: SelectedMoves) -> None:
    place(engine, draft(user_id="ada"), draft(user_id="bob"), draft(user_id="ada"))
    assert moves.cancel(replace(PENDING, user_id="ada")).moved == 2
    assert statuses(engine) == ["CANCELLED", "PENDING", "CANCELLED"]


def test_what_came_after_the_selection_was_made_is_left_alone(
    engine: Engine, moves: SelectedMoves
) -> None:
    place(engine)
    until_now = replace(PENDING, created_to=utc_now())
    place(engine)
    assert moves.cancel(until_now).moved == 1
    assert statuses(engine) == ["CANCELLED", "PENDING"]


def test_a_turn_ends_in_time_and_the_next_goes_on_where_it_stopped(
    engine: Engine, moves: SelectedMoves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selected, "BATCH", 2)
    monkeypatch.setattr(selected, "TURN_SECONDS", -1)
    ids = [hint.id for hint in place(engine, *(draft() for _ in range(3)))]
    assert moves.cancel(PENDING) == Progress(2, ids[1])
    assert moves.cancel(PENDING, after=ids[1]) == Progress(1, None)


def test_an_order_that_was_claimed_after_it_was_listed_is_left_alone(
    engine: Engine, moves: SelectedMoves, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, _ = place(engine, draft(), draft())
    move = moves._move

    def claim_first(*arguments):
        claim(engine, [taken], owner=OTHER)
        return move(*arguments)

    monkeypatch.setattr(moves, "_move", claim_first)
    assert moves.cancel(PENDING).moved == 1
    assert statuses(engine) == ["PROCESSING", "CANCELLED"]
    assert differences(engine) == []


def test_each_order_that_was_moved_has_its_line_in_the_log(
    engine: Engine, moves: SelectedMoves, caplog: pytest.LogCaptureFixture
) -> None:
    place(engine, draft("A-1"), draft("B-2"))
    with logged_moves(caplog) as logged:
        moves.cancel(PENDING)
        moves.cancel(PENDING)
    assert logged == [("cancel", "A-1"), ("cancel", "B-2")]


@only_on("mariadb", "postgresql")
@pytest.mark.parametrize("happened", [True, False])
def test_a_batch_in_doubt_is_moved_counted_and_logged_once(
    engine: Engine,
    moves: SelectedMoves,
    commits: Commits,
    caplog: pytest.LogCaptureFixture,
    happened: bool,
) -> None:
    failed(engine, orders=3)
    commits.lose(happened)
    with logged_moves(caplog) as logged:
        assert moves._move([1, 2, 3], selected.store.reopen, selected.RETRYING) == 3
    assert len(logged) == 3
    assert totals(engine)["reopen_failed"] == 3
    assert differences(engine) == []


@only_on("mariadb", "postgresql")
def test_an_order_claimed_while_its_cancellation_was_in_doubt_is_not_counted(
    engine: Engine, moves: SelectedMoves, commits: Commits
) -> None:
    first, second = place(engine, draft(), draft())
    commits.lose(False, meanwhile=lambda: claim(engine, seen(engine, [first.id]), owner=OTHER))
    moved = moves._move([first.id, second.id], selected.store.cancel, selected.CANCELLING)
    assert moved == totals(engine)[CANCEL.name] == 1
    assert differences(engine) == []
