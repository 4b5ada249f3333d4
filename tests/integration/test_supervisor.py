"""The supervisor, tick by tick: who is alive, and what becomes of the orders of the dead."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, select

from app.api.extension import worker_of
from app.breaker import breaker_of
from app.clock import utc_now
from app.orders import counters, samples, store, workers
from app.orders.lifecycle import RETRY_LATER, OrderStatus
from app.orders.model import orders
from app.orders.workers import WorkerState
from app.processing import supervisor
from app.processing.supervisor import HANG_LEASES, HEARTBEAT_SECONDS, HOUSEKEEPING_SECONDS
from tests.builders import draft, ending
from tests.integration.bench import (
    LEASE_SECONDS,
    LONG_SECONDS,
    MAX_ATTEMPTS,
    MAX_BACKLOG,
    Bench,
    dead_process,
)
from tests.integration.moves import (
    all_rows,
    claim,
    differences,
    in_transaction,
    overwrite,
    place,
    place_and_claim,
    settle,
    statuses,
    totals,
)
from tests.processes import wait_until

SECONDS = 10
only_on = pytest.mark.only_on


class Clock:
    """The monotonic clock of all supervisors, set by hand."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def monotonic(self) -> float:
        """Return what `time.monotonic` returns."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    stopped = SimpleNamespace(monotonic=clock.monotonic, time=time.time)
    monkeypatch.setattr(supervisor, "time", stopped)
    return clock


@pytest.fixture
def bench(engine: Engine, clock: Clock) -> Iterator[Bench]:
    """A worker that has beaten once."""
    yield Bench(engine)
    assert differences(engine) == []


def beat_for(seconds: float, clock: Clock, *benches: Bench) -> None:
    """Let time pass while these workers beat."""
    end = clock.now + seconds
    while clock.now < end:
        clock.now += HEARTBEAT_SECONDS
        for bench in benches:
            bench.supervisor.tick()


def worker_row(engine: Engine, worker_id: int) -> Any:
    table = workers.workers
    with engine.begin() as connection:
        return connection.execute(select(table).where(table.c.id == worker_id)).one()


def alive(engine: Engine) -> list[int]:
    return [each.id for each in in_transaction(engine, workers.alive)]


def test_the_first_tick_registers_and_the_next_ones_beat(bench: Bench) -> None:
    assert bench.membership.holds
    bench.supervisor.tick()
    bench.supervisor.tick()
    found = worker_row(bench.engine, bench.worker_id)
    assert (found.beat, found.state, found.pid) == (2, WorkerState.ACTIVE, os.getpid())


def test_a_beat_reports_what_waits_and_what_runs(bench: Bench) -> None:
    bench.sweep_later()
    bench.place("A-1")
    bench.processor.current_order = "B-2"
    bench.supervisor.tick()
    found = worker_row(bench.engine, bench.worker_id)
    assert (found.queue_length, found.current_order) == (1, "B-2")


def test_no_beat_is_tried_while_the_database_cannot_be_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = breaker_of(bench.engine)
    breaker.opened_by("a test")
    breaker._probe_at = time.monotonic() + LONG_SECONDS
    pauses: list[float] = []

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        bench.supervisor._stopping = len(pauses) == 3

    monkeypatch.setattr(bench.supervisor._awake, "wait", wait)
    bench.supervisor._run()
    breaker.succeeded()
    assert pauses == [0, pytest.approx(LONG_SECONDS, abs=10), pytest.approx(LONG_SECONDS, abs=10)]


def test_once_the_database_is_back_the_beat_does_not_wait_for_its_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever it was that got through first."""
    tried = threading.Event()
    monkeypatch.setattr(supervisor.log, "debug", lambda *_: tried.set())
    breaker = breaker_of(bench.engine)
    breaker.opened_by("a test")
    breaker._probe_at = time.monotonic() + LONG_SECONDS
    bench.membership.end()
    bench.supervisor.start()
    assert tried.wait(10)
    breaker.succeeded()
    wait_until(lambda: bench.membership.holds, 10, "a beat")
    bench.supervisor.stop()


def test_a_worker_that_drains_says_so(bench: Bench) -> None:
    bench.processor._stopping.set()
    bench.supervisor.tick()
    assert worker_row(bench.engine, bench.worker_id).state == WorkerState.DRAINING


def test_each_beat_refreshes_a_filling_backlog_with_what_all_workers_have(bench: Bench) -> None:
    claim(bench.engine, place(bench.engine, draft(), draft())[:1])
    bench.backlog.refresh(MAX_BACKLOG)
    bench.supervisor.tick()
    assert bench.backlog._orders == 2


def test_a_backlog_far_from_full_is_not_counted_at_each_beat(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(bench.engine, draft(), draft())
    monkeypatch.setattr(samples, "interval", lambda _now: bench.supervisor._sampled)
    bench.supervisor.tick()
    assert bench.backlog._orders == 0


def test_each_interval_refreshes_the_backlog_with_what_all_workers_have(bench: Bench) -> None:
    place(bench.engine, draft(), draft())
    bench.supervisor._sampled = 0
    bench.supervisor.tick()
    assert bench.backlog._orders == 2


def test_a_worker_that_was_taken_for_dead_registers_anew(bench: Bench) -> None:
    before = bench.worker_id
    in_transaction(bench.engine, workers.leave, before)
    bench.supervisor.tick()
    assert bench.worker_id > before
    assert bench.membership.holds
    assert alive(bench.engine) == [bench.worker_id]


def test_what_a_worker_held_that_was_taken_for_dead_is_free_at_once(bench: Bench) -> None:
    bench.place_and_claim("A-1")
    in_transaction(bench.engine, workers.leave, bench.worker_id)
    bench.supervisor.tick()
    assert statuses(bench.engine) == ["PENDING"]


@only_on("mariadb", "postgresql")
def test_an_order_that_a_dead_worker_has_left_locked_is_adopted_soon_after(
    bench: Bench, clock: Clock
) -> None:
    """The server may notice later than we do that the dead one's last transaction is over."""
    dead = Bench(bench.engine, identity=dead_process())
    dead.place_and_claim("A-1", "B-2")
    with bench.engine.begin() as left_open:
        left_open.execute(select(orders.c.id).where(orders.c.id == 1).with_for_update())
        bench.supervisor.tick()
        assert statuses(bench.engine) == ["PROCESSING", "PENDING"]
    beat_for(HEARTBEAT_SECONDS, clock, bench)
    assert statuses(bench.engine) == ["PENDING", "PENDING"]


def test_the_orders_of_a_process_that_is_gone_are_adopted_at_the_next_tick(bench: Bench) -> None:
    dead = Bench(bench.engine, identity=dead_process())
    dead.place_and_claim("A-1", "B-2")
    bench.supervisor.tick()
    assert alive(bench.engine) == [bench.worker_id]
    for found in all_rows(bench.engine):
        assert (found.status, found.fence, found.solo) == (OrderStatus.PENDING, 2, True)
    bench.step_until("COMPLETED", "COMPLETED")
    assert [order.attempt for order in bench.handled] == [2, 2]


def test_an_adoption_makes_the_processor_sweep_at_once(bench: Bench) -> None:
    bench.sweep_later()
    Bench(bench.engine, identity=dead_process()).place_and_claim("A-1")
    bench.supervisor.tick()
    bench.step()
    assert statuses(bench.engine) == ["PROCESSING"]


def test_a_worker_that_stands_still_is_dead_after_its_lease_only(
    bench: Bench, clock: Clock
) -> None:
    still = Bench(bench.engine)
    still.place_and_claim("A-1")
    beat_for(LEASE_SECONDS, clock, bench)
    assert alive(bench.engine) == [bench.worker_id, still.worker_id]
    assert statuses(bench.engine) == ["PROCESSING"]
    beat_for(2 * HEARTBEAT_SECONDS, clock, bench)
    assert alive(bench.engine) == [bench.worker_id]
    assert statuses(bench.engine) == ["PENDING"]


def test_workers_that_beat_live_side_by_side(bench: Bench, clock: Clock) -> None:
    other = Bench(bench.engine)
    other.place_and_claim("A-1")
    beat_for(3 * LEASE_SECONDS, clock, bench, other)
    assert alive(bench.engine) == [bench.worker_id, other.worker_id]
    assert statuses(bench.engine) == ["PROCESSING"]


def test_an_observer_that_was_paused_itself_judges_nobody(bench: Bench, clock: Clock) -> None:
    other = Bench(bench.engine)
    other.place_and_claim("A-1")
    bench.supervisor.tick()
    clock.now += 10 * LEASE_SECONDS - HOUSEKEEPING_SECONDS
    bench.supervisor.tick()
    assert alive(bench.engine) == [bench.worker_id, other.worker_id]
    assert statuses(bench.engine) == ["PROCESSING"]


def test_a_paused_worker_that_comes_back_completes_nothing_and_works_on(
    bench: Bench, clock: Clock
) -> None:
    paused = Bench(bench.engine)
    paused.place_and_claim("A-1")
    beat_for(LEASE_SECONDS + 2 * HEARTBEAT_SECONDS, clock, bench)
    paused.step()  # it does not know yet
    assert totals(bench.engine)["stale_completions"] == 1
    assert statuses(bench.engine) == ["PENDING"]
    paused.supervisor.tick()
    paused.processor.sweep_soon()
    paused.step_until("COMPLETED")


def test_an_ending_that_fails_keeps_nobody_from_taking_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bench(bench.engine, identity=dead_process()).place_and_claim("A-1")

    def fail(**_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(bench.processor, "end_what_is_done", fail)
    bench.processor._progress_at -= LEASE_SECONDS
    with pytest.raises(RuntimeError, match="a bug"):
        bench.supervisor.tick()
    assert statuses(bench.engine) == ["PENDING"]


def test_an_order_that_has_killed_too_many_workers_fails(bench: Bench) -> None:
    hints = place(bench.engine, draft("A-1"), draft("B-2"))
    overwrite(bench.engine, hints[0].id, attempts=MAX_ATTEMPTS - 1)
    dead = Bench(bench.engine, identity=dead_process())
    dead.become_fast()
    dead.step()
    bench.supervisor.tick()
    assert statuses(bench.engine) == ["FAILED", "PENDING"]


def test_two_that_see_the_same_death_adopt_its_orders_once(bench: Bench) -> None:
    other = Bench(bench.engine)
    dead = Bench(bench.engine, identity=dead_process())
    dead.place_and_claim("A-1", "B-2", "C-3")
    seen_by_both = worker_row(bench.engine, dead.worker_id)
    bench.supervisor._take_over([seen_by_both])
    other.supervisor._take_over([seen_by_both])
    assert totals(bench.engine)["adopt"] == 3
    assert [found.fence for found in all_rows(bench.engine)] == [2, 2, 2]


@pytest.mark.parametrize("owner", ["retired", "unknown"])
def test_housekeeping_adopts_what_no_active_worker_owns(
    bench: Bench, clock: Clock, owner: str
) -> None:
    gone = in_transaction(bench.engine, workers.register, dead_process())
    in_transaction(bench.engine, workers.leave, gone)
    claim(bench.engine, place(bench.engine), owner=gone if owner == "retired" else 4711)
    beat_for(HOUSEKEEPING_SECONDS - HEARTBEAT_SECONDS, clock, bench)
    assert statuses(bench.engine) == ["PROCESSING"]
    beat_for(2 * HEARTBEAT_SECONDS, clock, bench)
    assert statuses(bench.engine) == ["PENDING"]


def test_housekeeping_recalls_a_retry_that_a_wrong_clock_has_put_off(
    bench: Bench, clock: Clock
) -> None:
    (claimed,) = place_and_claim(bench.engine)
    next_year = utc_now() + timedelta(days=365)
    settle(bench.engine, [ending(claimed, RETRY_LATER, available_at=next_year)])
    beat_for(HOUSEKEEPING_SECONDS + HEARTBEAT_SECONDS, clock, bench)
    bench.step_until("COMPLETED")


def test_housekeeping_folds_the_counters_of_the_retired(bench: Bench, clock: Clock) -> None:
    Bench(bench.engine, identity=dead_process()).place_and_claim("A-1")
    before = totals(bench.engine)
    beat_for(HOUSEKEEPING_SECONDS + HEARTBEAT_SECONDS, clock, bench)
    with bench.engine.begin() as connection:
        holders = connection.execute(select(counters.counters.c.worker_id)).scalars().all()
    assert set(holders) == {counters.NOBODY, bench.worker_id}
    assert totals(bench.engine) == before | {"adopt": 1}


def test_more_orders_than_one_transaction_takes_are_all_adopted(bench: Bench) -> None:
    dead = in_transaction(bench.engine, workers.register, dead_process())
    many = store.ADOPTED_AT_ONCE + 1
    claim(bench.engine, place(bench.engine, *(draft() for _ in range(many))), owner=dead)
    bench.supervisor.tick()
    assert set(statuses(bench.engine)) == {"PENDING"}
    assert totals(bench.engine)["adopt"] == many


@pytest.fixture
def hangups() -> Iterator[list[int]]:
    """The SIGHUPs this process was sent; a uWSGI worker would recycle."""
    received: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda signum, _frame: received.append(signum))
    yield received
    signal.signal(signal.SIGHUP, before)


def test_a_processor_that_hangs_makes_its_process_recycle_and_beats_no_more(
    bench: Bench, hangups: list[int]
) -> None:
    bench.processor._progress_at = time.monotonic() - HANG_LEASES * LEASE_SECONDS - 1
    bench.supervisor.tick()
    assert hangups == [signal.SIGHUP]
    assert not bench.membership.holds
    assert worker_row(bench.engine, bench.worker_id).beat == 0


def test_a_processor_that_is_busy_for_long_does_not_hang(bench: Bench, hangups: list[int]) -> None:
    bench.processor._progress_at = time.monotonic() - HANG_LEASES * LEASE_SECONDS + SECONDS
    bench.supervisor.tick()
    assert hangups == []
    assert bench.membership.holds


# --- with its threads ----------------------------------------------------------------------------


def test_a_whole_worker_works_orders_off_and_signs_off(app: Flask, engine: Engine) -> None:
    worker = worker_of(app)
    worker.start()
    try:
        wait_until(lambda: worker.membership.holds, SECONDS, "its first beat")
        placed = [worker.place(draft()) for _ in range(20)]
        assert [each.id for each in placed] == sorted(each.id for each in placed)
        wait_until(lambda: set(statuses(engine)) == {"COMPLETED"}, SECONDS, "the orders done")
    finally:
        worker.stop()
    assert alive(engine) == []
    assert [found.fence for found in all_rows(engine)] == [2] * 20
    assert differences(engine) == []


def test_what_a_worker_holds_when_it_stops_is_free_for_the_others(
    app: Flask, engine: Engine
) -> None:
    worker = worker_of(app)
    worker.start()
    wait_until(lambda: worker.membership.holds, SECONDS, "its first beat")
    worker.processor.stop(drain_seconds=SECONDS)
    claim(engine, place(engine), owner=worker.membership.worker_id)
    worker.supervisor.stop()
    assert statuses(engine) == ["PENDING"]
    assert alive(engine) == []
    assert differences(engine) == []


def test_a_worker_that_stops_takes_itself_off_before_it_is_missed(
    app: Flask, engine: Engine
) -> None:
    worker = worker_of(app)
    worker.start()
    wait_until(lambda: worker.membership.holds, SECONDS, "its first beat")
    worker.stop()
    assert worker.processor.draining
    assert not worker.membership.holds
