"""Finding orders to claim in the table: oldest first, and each for one worker only."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from app.clock import utc_now
from app.orders import store
from app.orders.lifecycle import COMPLETE, FAIL, RELEASE, RETRY_LATER, Hint, Transition
from tests.builders import draft, ending
from tests.integration.moves import (
    OWNER,
    claim,
    in_transaction,
    overwrite,
    place,
    place_and_claim,
    seen,
    settle,
    statuses,
)
from tests.servers import DatabaseServer

only_on = pytest.mark.only_on


def due(engine: Engine, limit: int = 100, *, now: datetime | None = None) -> list[int]:
    found, _more = in_transaction(engine, store.due, limit=limit, now=now or utc_now())
    return [each.id for each in found]


def test_the_oldest_are_due_first_and_no_more_than_asked_for(engine: Engine) -> None:
    ids = [each.id for each in place(engine, *(draft() for _ in range(5)))]
    assert due(engine, 3) == ids[:3]
    assert due(engine) == ids


def test_an_order_that_was_given_back_keeps_its_place(engine: Engine) -> None:
    ids = [each.id for each in place(engine, draft(), draft(), draft())]
    settle(engine, [ending(claim(engine, seen(engine, ids[:1]))[0], RELEASE)])
    assert due(engine) == ids


@only_on("postgresql")
def test_the_oldest_are_due_first_whatever_the_plan(engine: Engine) -> None:
    ids = [each.id for each in place(engine, draft(), draft(), draft())]
    settle(engine, [ending(claim(engine, seen(engine, ids[:1]))[0], RELEASE)])
    with engine.begin() as connection:
        for plan in ("indexscan", "bitmapscan", "indexonlyscan"):
            connection.execute(text(f"SET LOCAL enable_{plan} = off"))
        found, _more = store.due(connection, limit=2, now=utc_now())
    assert [each.id for each in found] == ids[:2]


def test_a_due_order_comes_as_a_hint_with_all_a_handler_needs(engine: Engine) -> None:
    (placed,) = place(engine, draft("A-1", user_id="u", item_ids=["x", 1]))
    (found,), _more = in_transaction(engine, store.due, limit=1, now=utc_now())
    assert found == placed
    assert isinstance(found, Hint)


def test_a_retry_is_due_when_its_time_has_come_and_after_those_that_never_waited(
    engine: Engine,
) -> None:
    retried, fresh = (each.id for each in place(engine, draft(), draft()))
    at = utc_now() + timedelta(minutes=1)
    (claimed,) = claim(engine, seen(engine, [retried]))
    settle(engine, [ending(claimed, RETRY_LATER, available_at=at)])
    assert due(engine) == [fresh]
    assert due(engine, now=at - timedelta(microseconds=1)) == [fresh]
    assert due(engine, now=at) == [fresh, retried]


def test_a_retry_whose_time_has_come_does_not_wait_for_the_end_of_a_backlog(
    engine: Engine,
) -> None:
    first, second, *fresh = (each.id for each in place(engine, *(draft() for _ in range(5))))
    at = utc_now() + timedelta(minutes=1)
    for row_id, later in ((first, 1), (second, 0)):
        (claimed,) = claim(engine, seen(engine, [row_id]))
        settle(engine, [ending(claimed, RETRY_LATER, available_at=at + timedelta(seconds=later))])
    assert due(engine, 2) == fresh[:2]
    assert due(engine, 2, now=at) == [second, fresh[0]]
    assert due(engine, 3, now=at + timedelta(seconds=1)) == [second, first, fresh[0]]
    assert due(engine, 1, now=at + timedelta(seconds=1)) == [second]
    assert due(engine, 4, now=at + timedelta(seconds=1)) == [*fresh, second]
    assert due(engine, 6, now=at + timedelta(seconds=1)) == [*fresh, second, first]


@pytest.mark.parametrize("transition", [None, COMPLETE, FAIL])
def test_what_is_not_pending_is_not_due(engine: Engine, transition: Transition | None) -> None:
    (claimed,) = place_and_claim(engine)
    if transition:
        settle(engine, [ending(claimed, transition)])
    assert due(engine) == []


@pytest.mark.parametrize(
    ("solo", "first"), [([0], [0]), ([1], [0]), ([2], [0, 1]), ([0, 1, 2], [0]), ([], [0, 1, 2])]
)
def test_an_order_to_be_worked_on_alone_comes_alone(
    engine: Engine, solo: list[int], first: list[int]
) -> None:
    ids = [each.id for each in place(engine, draft(), draft(), draft())]
    for number in solo:
        overwrite(engine, ids[number], solo=True)
    assert due(engine) == [ids[number] for number in first]


@pytest.mark.parametrize(
    ("pending", "limit", "solo", "more"),
    [
        (0, 2, None, False),
        (1, 2, None, False),
        (2, 2, None, True),
        (3, 2, None, True),
        (1, 2, 0, False),
        (2, 9, 0, True),
        (3, 9, 1, True),
        (3, 9, 2, True),
        (3, 9, None, False),
    ],
)
def test_a_sweep_knows_whether_it_may_have_left_something(
    engine: Engine, pending: int, limit: int, solo: int | None, more: bool
) -> None:
    placed = [place(engine)[0].id for _ in range(pending)]
    if solo is not None:
        overwrite(engine, placed[solo], solo=True)
    assert in_transaction(engine, store.due, limit=limit, now=utc_now())[1] is more


@only_on("mariadb", "postgresql")
def test_two_workers_sweep_different_orders(engine: Engine, server: DatabaseServer) -> None:
    ids = [each.id for each in place(engine, *(draft() for _ in range(6)))]
    with engine.begin() as one, engine.begin() as other:
        ours = [each.id for each in store.due(one, limit=2, now=utc_now())[0]]
        theirs = [each.id for each in store.due(other, limit=2, now=utc_now())[0]]
        assert (ours, theirs) == (ids[:2], ids[2:4])


@only_on("mariadb", "postgresql")
def test_a_sweep_that_claims_everything_holds_up_no_insert(
    engine: Engine, server: DatabaseServer
) -> None:
    place(engine, draft(), draft())
    with engine.begin() as sweeping:
        hints, _more = store.due(sweeping, limit=100, now=utc_now())
        store.claim(sweeping, hints, owner_id=OWNER)
        place(engine, draft())
    assert statuses(engine) == ["PROCESSING", "PROCESSING", "PENDING"]
