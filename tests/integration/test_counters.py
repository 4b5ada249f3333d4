"""The counters: they agree with the rows whatever happened, and stay few."""

import random
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update

from app.clock import utc_now
from app.orders import counters, workers
from app.orders.audit import Difference
from app.orders.counters import NOBODY
from app.orders.lifecycle import (
    COMPLETE,
    FAIL,
    RELEASE,
    RETRY_LATER,
    OrderStatus,
    status_counts,
)
from app.orders.manual import ManualMoves
from app.orders.metrics import read_metrics
from app.orders.model import orders
from app.orders.service import OrderService
from app.transactions import run_transaction
from tests.builders import draft, ending, identity
from tests.integration.moves import (
    OTHER,
    OWNER,
    adopt,
    all_rows,
    claim,
    differences,
    in_transaction,
    overwrite,
    place,
    place_and_claim,
    seen,
    settle,
    totals,
)

SECONDS = 10
only_on = pytest.mark.only_on


def add(engine: Engine, worker_id: int, **tally: int) -> None:
    in_transaction(engine, counters.add, worker_id, Counter(tally))


def add_patiently(engine: Engine, worker_id: int, **tally: int) -> None:
    """Add however long a lock is held by others."""
    run_transaction(engine, lambda each: counters.add(each, worker_id, Counter(tally)))


def holders(engine: Engine) -> set[int]:
    """Return the workers that have counters of their own."""
    with engine.begin() as connection:
        return set(connection.execute(select(counters.counters.c.worker_id)).scalars())


def test_what_is_added_adds_up_over_workers(engine: Engine) -> None:
    add(engine, OWNER, place=2, claim=1)
    add(engine, OWNER, place=3)
    add(engine, OTHER, place=5)
    assert totals(engine) == {"place": 10, "claim": 1}


def test_nothing_to_add_writes_no_row(engine: Engine) -> None:
    add(engine, OWNER)
    add(engine, OWNER, place=0)
    assert holders(engine) == set()


def test_counts_beyond_32_bits_are_kept(engine: Engine) -> None:
    add(engine, OWNER, waiting_us=2**52)
    add(engine, OTHER, waiting_us=2**52)
    assert totals(engine) == {"waiting_us": 2**53}


def test_what_a_rolled_back_transaction_counted_never_was(engine: Engine) -> None:
    with engine.connect() as connection:
        counters.add(connection, OWNER, Counter(place=1))
        connection.rollback()
    assert totals(engine) == {}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_counters_agree_with_the_rows_after_mixed_work(
    engine: Engine, service: OrderService, seed: int
) -> None:
    dice = random.Random(seed)
    manual = ManualMoves(engine, worker_id=lambda: OTHER)
    held = []
    for _ in range(25):
        service.place([draft(key=dice.choice([None, "k1", "k2"])) for _ in range(4)])
        transitions = [dice.choice([COMPLETE, COMPLETE, FAIL, RETRY_LATER, RELEASE]) for _ in held]
        endings = [ending(each, how) for each, how in zip(held, transitions, strict=True)]
        if dice.random() < 0.2:
            adopt(engine, max_attempts=2)  # and the endings come too late
        held = service.turn(endings, [], sweep_limit=dice.randrange(5), worker_id=OWNER).claims
        for each in dice.sample(all_rows(engine), 1):
            if each.status is OrderStatus.PENDING:
                manual.cancel(each.order_id)
            elif each.status in {OrderStatus.FAILED, OrderStatus.CANCELLED}:
                manual.retry(each.order_id)
    found = Counter(each.status for each in all_rows(engine))
    assert status_counts(totals(engine)) == {status: found[status] for status in OrderStatus}
    assert differences(engine) == []


def test_each_completed_order_is_in_both_histograms_once(engine: Engine) -> None:
    claims = place_and_claim(engine, *(draft() for _ in range(5)))
    settle(engine, [ending(each) for each in claims[:3]])
    settle(engine, [ending(claims[3], FAIL), ending(claims[4], RETRY_LATER)])
    counted = totals(engine)
    for kind in ("waiting", "processing"):
        assert sum(n for name, n in counted.items() if name.startswith(f"{kind}_le_")) == 3


def test_the_metrics_are_the_times_of_the_completed(engine: Engine) -> None:
    created = utc_now() - timedelta(seconds=100)
    claims = place_and_claim(engine, *(draft(created_at=created) for _ in range(10)))
    began = created + timedelta(seconds=2)
    settle(
        engine,
        [
            ending(each, started_at=began, ended_at=began + timedelta(seconds=number))
            for number, each in enumerate(claims, 1)
        ],
    )
    place(engine, draft(created_at=created))
    metrics = in_transaction(engine, read_metrics, now=created + timedelta(seconds=60))
    assert metrics.counts[OrderStatus.COMPLETED] == 10
    assert metrics.waiting.average == pytest.approx(2)
    assert metrics.processing.average == pytest.approx(5.5)
    assert metrics.oldest_pending_age == pytest.approx(60)
    for name, exact in (("p50", 5), ("p95", 10), ("p99", 10)):
        assert exact / 1.6 < metrics.processing.percentiles[name] < exact * 1.6
        assert 2 / 1.6 < metrics.waiting.percentiles[name] < 2 * 1.6


def test_without_completed_orders_there_are_no_averages(engine: Engine) -> None:
    metrics = in_transaction(engine, read_metrics, now=utc_now())
    assert (metrics.waiting.average, metrics.processing.average) == (None, None)
    assert (metrics.oldest_pending_age, metrics.waiting.percentiles["p50"]) == (None, None)


def test_an_order_that_waits_for_its_retry_is_not_the_oldest_pending(engine: Engine) -> None:
    (held,) = place_and_claim(engine)
    later = utc_now() + timedelta(minutes=1)
    settle(engine, [ending(held, RETRY_LATER, available_at=later)])
    assert in_transaction(engine, read_metrics, now=utc_now()).oldest_pending_age is None


def test_a_retry_whose_time_has_come_counts_as_waiting_behind_whatever_it_stands(
    engine: Engine,
) -> None:
    now = utc_now()
    (held,) = place_and_claim(engine, draft(created_at=now - timedelta(seconds=300)))
    settle(engine, [ending(held, RETRY_LATER, available_at=now)])
    place(engine, draft(created_at=now - timedelta(seconds=5)))
    assert in_transaction(engine, read_metrics, now=now).oldest_pending_age == pytest.approx(300)


# --- folding -------------------------------------------------------------------------------------


def worker(engine: Engine, *, retired: bool) -> int:
    worker_id = in_transaction(engine, workers.register, identity())
    if retired:
        in_transaction(engine, workers.leave, worker_id)
    return worker_id


def test_folding_keeps_the_totals_and_drops_the_rows_of_the_retired(engine: Engine) -> None:
    gone, also_gone, here = (worker(engine, retired=each) for each in (True, True, False))
    add(engine, gone, place=1, claim=2)
    add(engine, also_gone, place=10)
    add(engine, here, place=100)
    add(engine, NOBODY, place=1000)
    before = totals(engine)
    for _ in range(2):
        in_transaction(engine, counters.fold_retired)
        assert totals(engine) == before == {"place": 1111, "claim": 2}
        assert holders(engine) == {NOBODY, here}


def test_folding_nothing_writes_nothing(engine: Engine) -> None:
    in_transaction(engine, counters.fold_retired)
    assert holders(engine) == set()


@pytest.mark.parametrize("name", ["place", "complete"])
def test_what_a_zombie_adds_after_its_counters_were_folded_is_not_lost(
    engine: Engine, name: str
) -> None:
    """A worker that was taken for dead commits late: to a row that is gone, or to a new one."""
    zombie = worker(engine, retired=True)
    add(engine, zombie, place=5)
    late = threading.Thread(target=add_patiently, args=[engine, zombie], kwargs={name: 2})
    with engine.begin() as folding:
        counters.fold_retired(folding)
        late.start()
        late.join(0.1)  # by then it waits for the fold, where it has to
    late.join(SECONDS)
    expected = Counter(place=5) + Counter({name: 2})
    assert totals(engine) == expected
    in_transaction(engine, counters.fold_retired)
    assert totals(engine) == expected
    assert holders(engine) == {NOBODY}


@only_on("mariadb", "postgresql")
@pytest.mark.parametrize("name", ["place", "complete"])
def test_what_a_zombie_adds_between_reading_and_deleting_its_counters_is_not_lost(
    engine: Engine, name: str
) -> None:
    zombie = worker(engine, retired=True)
    add(engine, zombie, place=5)
    late = threading.Thread(target=add_patiently, args=[engine, zombie], kwargs={name: 2})

    def add_before_the_delete(*arguments: Any) -> None:
        if arguments[2].startswith("DELETE"):
            late.start()
            late.join(0.1)  # by then it waits for the fold, where it has to

    event.listen(engine, "before_cursor_execute", add_before_the_delete)
    in_transaction(engine, counters.fold_retired)
    late.join(SECONDS)
    assert totals(engine) == Counter(place=5) + Counter({name: 2})


# --- the audit -----------------------------------------------------------------------------------


def test_the_audit_finds_nothing_where_nothing_is(engine: Engine) -> None:
    assert differences(engine) == []


def test_the_audit_finds_a_row_that_was_moved_behind_our_back(engine: Engine) -> None:
    (placed,) = place(engine)
    overwrite(engine, placed.id, status=OrderStatus.CANCELLED, completed_at=utc_now())
    assert differences(engine) == [
        Difference(OrderStatus.PENDING, counted=1, found=0),
        Difference(OrderStatus.CANCELLED, counted=0, found=1),
    ]


def test_the_audit_finds_a_row_that_is_missing(engine: Engine) -> None:
    place(engine, draft(), draft())
    with engine.begin() as connection:
        connection.execute(orders.delete().where(orders.c.id == 1))
    assert differences(engine) == [Difference(OrderStatus.PENDING, counted=2, found=1)]


def test_the_audit_finds_a_count_that_is_missing(engine: Engine) -> None:
    claim(engine, place(engine))
    with engine.begin() as connection:
        table = counters.counters
        connection.execute(update(table).where(table.c.name == "claim").values(value=0))
    found = differences(engine)
    assert [each.status for each in found] == [OrderStatus.PENDING, OrderStatus.PROCESSING]
    assert seen(engine, [1])
