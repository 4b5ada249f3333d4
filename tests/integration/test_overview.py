"""What whoever looks on gets to read."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from app.clock import utc_now
from app.orders import workers
from app.orders.errors import OrderNotFoundError
from app.orders.lifecycle import FAIL, RETRY_LATER, OrderStatus
from app.orders.model import workers as workers_table
from app.orders.overview import GONE_FOR, Overview
from tests.builders import draft, ending, identity
from tests.integration.moves import claim, in_transaction, place, place_and_claim, seen, settle


@pytest.fixture
def overview(engine: Engine) -> Overview:
    return Overview(engine)


def register(engine: Engine, *, beat_ago: timedelta = timedelta(0)) -> int:
    """Register a worker whose last heartbeat is so long ago."""
    worker_id = in_transaction(engine, workers.register, identity())
    table = workers_table
    with engine.begin() as connection:
        connection.execute(
            update(table).where(table.c.id == worker_id).values(beat_at=utc_now() - beat_ago)
        )
    return worker_id


def test_the_present_tells_totals_and_what_each_worker_has_completed(
    engine: Engine, overview: Overview
) -> None:
    one, other = register(engine), register(engine)
    settle(engine, [ending(each) for each in place_and_claim(engine, draft(), draft())], owner=one)
    place(engine)
    present = overview.present(utc_now())
    assert present.metrics.counts[OrderStatus.COMPLETED] == 2
    assert present.metrics.counts[OrderStatus.PENDING] == 1
    assert [worker.id for worker in present.workers] == [one, other]
    assert present.completed_by == {one: 2}


def test_a_worker_that_is_gone_is_shown_for_a_while(engine: Engine, overview: Overview) -> None:
    left, dead = register(engine), register(engine)
    long_gone = register(engine, beat_ago=GONE_FOR * 2)
    silent = register(engine, beat_ago=GONE_FOR * 2)
    in_transaction(engine, workers.leave, left)
    in_transaction(engine, workers.retire, dead, seen_beat=0)
    in_transaction(engine, workers.retire, long_gone, seen_beat=0)
    states = {worker.id: worker.state for worker in overview.present(utc_now()).workers}
    state = workers.WorkerState
    assert states == {left: state.LEFT, dead: state.RETIRED, silent: state.ACTIVE}


def test_a_timeline_tells_every_attempt_in_order(engine: Engine, overview: Overview) -> None:
    (first,) = place_and_claim(engine, draft("A-1"), owner=register(engine))
    settle(engine, [ending(first, RETRY_LATER, error="out of paper")], owner=1)
    (second,) = claim(engine, seen(engine, [first.hint.id]), owner=1)
    settle(engine, [ending(second, FAIL, error="out of ink")], owner=1)
    timeline = overview.timeline("A-1")
    assert (timeline.order.order_id, timeline.order.status) == ("A-1", OrderStatus.FAILED)
    told = [(each.attempt, each.outcome, each.error) for each in timeline.attempts]
    assert told == [(1, "retry_later", "out of paper"), (2, "fail", "out of ink")]


def test_a_timeline_of_no_order_is_not_found(overview: Overview) -> None:
    with pytest.raises(OrderNotFoundError):
        overview.timeline("A-1")
