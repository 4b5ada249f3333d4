"""Taking over what dead workers held."""

import pytest
from sqlalchemy import Engine, select

from app.orders import store, workers
from app.orders.lifecycle import (
    ADOPT,
    COMPLETE,
    FAIL,
    FOREVER_DUE,
    RELEASE,
    RETRY_LATER,
    OrderStatus,
    Transition,
)
from app.orders.model import orders
from app.orders.store import adopting
from tests.builders import draft, ending, identity
from tests.integration.moves import (
    adopt,
    all_rows,
    claim,
    in_transaction,
    place_and_claim,
    row,
    seen,
    settle,
)
from tests.servers import DatabaseServer

only_on = pytest.mark.only_on


def test_the_orders_of_a_worker_that_is_gone_are_pending_again_and_solo(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    (adopted,) = adopt(engine)
    found = row(engine, claimed.hint.id)
    assert (adopted.claim, adopted.transition) == (claimed, ADOPT)
    assert (found.status, found.fence, found.attempts) == (OrderStatus.PENDING, 2, 1)
    assert (found.solo, found.owner_id) == (True, None)
    assert (found.available_at, found.started_at) == (FOREVER_DUE, None)


@pytest.mark.parametrize("transition", [COMPLETE, FAIL, RETRY_LATER, RELEASE])
def test_an_adopted_order_stays_solo_however_it_ends(
    engine: Engine, transition: Transition
) -> None:
    (claimed,) = place_and_claim(engine)
    adopt(engine)
    (again,) = claim(engine, seen(engine, [claimed.hint.id]))
    assert again.hint.solo
    settle(engine, [ending(again, transition)])
    assert row(engine, claimed.hint.id).solo


@pytest.mark.parametrize("draining", [False, True])
def test_the_orders_of_a_worker_that_lives_are_left_to_it(engine: Engine, draining: bool) -> None:
    alive = in_transaction(engine, workers.register, identity())
    state = workers.WorkerState.DRAINING if draining else workers.WorkerState.ACTIVE
    in_transaction(engine, workers.beat, alive, state=state, queue_length=0, current_order=None)
    place_and_claim(engine, owner=alive)
    assert adopt(engine) == []
    in_transaction(engine, workers.leave, alive)
    assert len(adopt(engine)) == 1


@only_on("postgresql")
def test_an_order_that_finds_a_new_owner_during_the_search_is_left_to_it(engine: Engine) -> None:
    alive = in_transaction(engine, workers.register, identity())
    place_and_claim(engine, draft("A-1"), draft("A-2"), owner=alive + 1)
    search = str(
        adopting._ORPHANS.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DECLARE search CURSOR FOR {search}")
        (first,) = connection.exec_driver_sql("FETCH 1 FROM search").all()
        (second,) = adopt(engine)  # the first is locked
        claim(engine, seen(engine, [second.claim.hint.id]), owner=alive)
        assert connection.exec_driver_sql("FETCH ALL FROM search").all() == []
        connection.rollback()
    assert (first.order_id, second.claim.hint.order_id) == ("A-1", "A-2")


@only_on("mariadb", "postgresql")
def test_a_worker_whose_row_is_just_being_written_is_alive(
    engine: Engine, server: DatabaseServer
) -> None:
    """Its beat holds a lock on its row; to skip what is locked must not mean to miss it."""
    alive = in_transaction(engine, workers.register, identity())
    place_and_claim(engine, owner=alive)
    with engine.begin() as beating:
        workers.beat(
            beating, alive, state=workers.WorkerState.ACTIVE, queue_length=0, current_order=None
        )
        assert adopt(engine) == []


def test_a_worker_that_has_registered_since_the_search_looked_is_alive(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = in_transaction(engine, workers.register, identity())
    place_and_claim(engine, owner=alive)
    (orphan,) = place_and_claim(engine, owner=alive + 1)
    columns = adopting._ORPHANS.selected_columns
    monkeypatch.setattr(
        adopting, "_ORPHANS", select(*columns).where(orders.c.owner_id.is_not(None))
    )
    assert [each.claim for each in adopt(engine)] == [orphan]


def test_an_order_whose_attempts_are_used_up_fails_instead(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    (adopted,) = adopt(engine, max_attempts=1)
    found = row(engine, claimed.hint.id)
    assert adopted.transition is FAIL
    assert (found.status, found.fence, found.attempts) == (OrderStatus.FAILED, 2, 1)
    assert found.last_error == "its worker died during attempt 1"
    assert found.created_at <= found.started_at <= found.completed_at


def test_what_nobody_works_on_is_not_adopted(engine: Engine) -> None:
    claims = place_and_claim(engine, draft(), draft(), draft())
    settle(engine, [ending(claims[0]), ending(claims[1], FAIL), ending(claims[2], RELEASE)])
    before = all_rows(engine)
    assert adopt(engine) == []
    assert all_rows(engine) == before


def test_no_more_are_adopted_at_once_than_the_bound(engine: Engine) -> None:
    place_and_claim(engine, *(draft() for _ in range(store.ADOPTED_AT_ONCE + 3)))
    assert [len(adopt(engine)) for _ in range(3)] == [store.ADOPTED_AT_ONCE, 3, 0]


@only_on("mariadb", "postgresql")
def test_two_that_adopt_at_once_adopt_nothing_twice(engine: Engine, server: DatabaseServer) -> None:
    place_and_claim(engine, draft(), draft())
    with engine.begin() as one:
        first = store.adopt(one, max_attempts=5)
        with engine.begin() as other:
            assert store.adopt(other, max_attempts=5) == []
    assert len(first) == 2
    assert [each.fence for each in all_rows(engine)] == [2, 2]
