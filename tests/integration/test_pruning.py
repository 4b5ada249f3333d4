"""Pruning: what is old and has ended goes, the totals and everything else stay."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from app.clock import utc_now
from app.orders import counters, pruning
from app.orders.audit import Difference
from app.orders.lifecycle import COMPLETE, FAIL, RETRY_LATER, OrderStatus, status_counts
from app.orders.manual import ManualMoves
from app.orders.model import attempts, orders
from app.orders.pruning import prune
from app.orders.service import OrderService
from tests.builders import draft, ending
from tests.integration.moves import (
    OWNER,
    all_rows,
    claim,
    differences,
    place,
    place_and_claim,
    seen,
    settle,
    statuses,
    totals,
)

LONG_AGO = utc_now() - timedelta(days=100)
CUTOFF = utc_now() - timedelta(days=30)
COMPLETED, FAILED, CANCELLED = OrderStatus.COMPLETED, OrderStatus.FAILED, OrderStatus.CANCELLED
only_on = pytest.mark.only_on


@pytest.fixture
def manual(engine: Engine) -> ManualMoves:
    return ManualMoves(engine, worker_id=lambda: OWNER)


def age(engine: Engine, *row_ids: int, created: datetime = LONG_AGO) -> None:
    """Move what happened to these orders into the past."""
    times = dict.fromkeys(("created_at", "started_at", "completed_at", "updated_at"), created)
    with engine.begin() as connection:
        connection.execute(update(orders).where(orders.c.id.in_(row_ids)).values(times))


def end_long_ago(engine: Engine, *transitions: Any) -> list[int]:
    """Make orders that ended so, and a newer one, which waits; returns the ids of the ended."""
    claims = place_and_claim(engine, *(draft() for _ in transitions))
    settle(engine, [ending(c, how) for c, how in zip(claims, transitions, strict=True)])
    ids = [each.hint.id for each in claims]
    age(engine, *ids)
    place(engine)
    return ids


def pruned(engine: Engine) -> Counter[OrderStatus]:
    found: Counter[OrderStatus] = Counter()
    for status, deleted in prune(engine, ended_before=CUTOFF):
        found[status] += deleted
    return +found


def test_old_orders_that_have_ended_go_and_all_others_stay(
    engine: Engine, manual: ManualMoves
) -> None:
    (cancelled,) = place(engine)
    manual.cancel(cancelled.order_id)
    age(engine, cancelled.id)
    (waiting,) = place(engine, draft(created_at=LONG_AGO))
    (running,) = place_and_claim(engine, draft(created_at=LONG_AGO))
    end_long_ago(engine, COMPLETE, FAIL, COMPLETE)
    settle(engine, [ending(place_and_claim(engine)[0])])
    assert pruned(engine) == {COMPLETED: 2, FAILED: 1, CANCELLED: 1}
    assert statuses(engine) == ["PENDING", "PROCESSING", "PENDING", "COMPLETED"]
    assert [row.id for row in all_rows(engine)][:2] == [waiting.id, running.hint.id]


def test_an_old_order_that_ended_lately_stays(engine: Engine) -> None:
    claims = place_and_claim(engine, *(draft(created_at=LONG_AGO) for _ in range(2)))
    settle(engine, [ending(claims[0]), ending(claims[1], FAIL)])
    assert pruned(engine) == {}
    assert len(all_rows(engine)) == 2


def test_the_totals_go_on_counting_what_is_gone(engine: Engine, service: OrderService) -> None:
    end_long_ago(engine, COMPLETE, COMPLETE, FAIL)
    before = service.metrics()
    pruned(engine)
    after = service.metrics()
    assert after.counts == before.counts == status_counts(totals(engine))
    assert (after.processing, after.moved) == (before.processing, before.moved)
    assert after.pruned == {COMPLETED: 2, FAILED: 1, CANCELLED: 0}
    assert differences(engine) == []


def test_the_audit_finds_a_row_that_is_missing_beside_pruned_ones(engine: Engine) -> None:
    end_long_ago(engine, COMPLETE, COMPLETE)
    pruned(engine)
    with engine.begin() as connection:
        connection.execute(orders.delete())
    assert differences(engine) == [Difference(OrderStatus.PENDING, counted=1, found=0)]


def test_the_attempts_of_a_pruned_order_go_with_it(engine: Engine) -> None:
    old, young = place_and_claim(engine, draft(), draft())
    settle(engine, [ending(old, RETRY_LATER)])
    (again,) = claim(engine, seen(engine, [old.hint.id]))
    settle(engine, [ending(again, FAIL), ending(young, FAIL)])
    age(engine, old.hint.id)
    pruned(engine)
    with engine.begin() as connection:
        owners = connection.execute(select(attempts.c.order_row_id)).scalars().all()
    assert owners == [young.hint.id]


def test_its_order_id_can_be_used_again(engine: Engine, service: OrderService) -> None:
    first = draft("A-1", key="checkout-1")
    (hint,) = place(engine, first)
    settle(engine, [ending(claim(engine, [hint])[0])])
    age(engine, hint.id)
    place(engine)
    pruned(engine)
    (placed,) = service.place([draft("A-1", key="checkout-1")])
    assert not placed.replayed


def test_no_id_is_given_out_again(engine: Engine) -> None:
    """A worker that was paused meanwhile may hold a claim on it."""
    claims = place_and_claim(engine, draft(), draft())
    settle(engine, [ending(each) for each in claims])
    ids = [each.hint.id for each in claims]
    age(engine, *ids)
    pruned(engine)
    (newest,) = place(engine)
    assert newest.id not in ids


def test_it_goes_on_batch_by_batch(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "PRUNED_AT_ONCE", 3)
    ids = end_long_ago(engine, *[COMPLETE] * 7)
    lately = ids[:3]  # a whole batch that must stay, before what must go
    age(engine, *lately, created=utc_now())
    with engine.begin() as connection:
        connection.execute(
            update(orders).where(orders.c.id.in_(lately)).values(created_at=LONG_AGO)
        )
    batches = [n for status, n in prune(engine, ended_before=CUTOFF) if status is COMPLETED]
    assert batches == [0, 3, 1]
    assert [row.id for row in all_rows(engine)][:-1] == lately
    assert differences(engine) == []


def test_younger_orders_are_not_even_looked_at(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PRUNED_AT_ONCE", 3)
    end_long_ago(engine, COMPLETE)
    for held in place_and_claim(engine, *(draft() for _ in range(10))):
        settle(engine, [ending(held)])
    assert len(list(prune(engine, ended_before=CUTOFF))) == 3  # one batch for each status


@only_on("mariadb", "postgresql")
def test_an_order_that_a_person_is_moving_is_left_out(engine: Engine) -> None:
    ids = end_long_ago(engine, FAIL, FAIL, FAIL)
    with engine.begin() as person:
        person.execute(select(orders.c.id).where(orders.c.id == ids[1]).with_for_update())
        assert pruned(engine) == {FAILED: 2}
    assert [row.id for row in all_rows(engine)][:-1] == [ids[1]]
    assert pruned(engine) == {FAILED: 1}
    assert differences(engine) == []


def test_each_batch_is_counted_in_the_transaction_that_deletes_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_long_ago(engine, COMPLETE)

    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    with monkeypatch.context() as failing:
        failing.setattr(counters, "add", fail)
        with pytest.raises(RuntimeError, match="out of luck"):
            pruned(engine)
    assert statuses(engine) == ["COMPLETED", "PENDING"]
    assert differences(engine) == []
