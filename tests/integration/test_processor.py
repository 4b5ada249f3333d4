"""The processor, step by step, on real databases; no thread runs."""

import threading
from typing import Any

import pytest
from sqlalchemy import Engine

from app.breaker import breaker_of
from app.clock import utc_now
from app.orders import workers
from app.orders.errors import UnavailableError
from app.orders.lifecycle import Claim, Ending, Hint, OrderStatus
from app.orders.turns import Turn
from app.processing import processor
from app.processing.handlers import Order, PermanentError
from app.processing.membership import Membership
from app.processing.processor import LINGER_SECONDS, LOAD
from tests.builders import draft
from tests.integration.bench import LONG_SECONDS, MAX_HINTS, Bench
from tests.integration.commits import Commits
from tests.integration.moves import (
    OTHER,
    adopt,
    all_rows,
    claim,
    differences,
    in_transaction,
    overwrite,
    place,
    seen,
    statuses,
    totals,
)


def test_an_order_is_claimed_by_its_hint_then_handled_then_ended(bench: Bench) -> None:
    bench.sweep_later()
    bench.place("A-1")
    bench.step()
    assert (statuses(bench.engine), bench.handled_ids) == (["PROCESSING"], [])
    bench.place("B-2")
    bench.step()
    assert (statuses(bench.engine), bench.handled_ids) == (["COMPLETED", "PROCESSING"], ["A-1"])


def test_an_order_nobody_has_a_hint_of_is_found_in_the_table(bench: Bench) -> None:
    place(bench.engine, draft("A-1"))
    bench.step_until("COMPLETED")
    assert bench.handled_ids == ["A-1"]


def test_orders_are_handled_first_come_first_served(bench: Bench) -> None:
    ids = [f"order-{number}" for number in range(3)]
    bench.place(*ids)
    bench.step_until(*["COMPLETED"] * 3)
    assert bench.handled_ids == ids


def test_a_fast_handler_gets_its_orders_in_one_turn(bench: Bench) -> None:
    bench.become_fast()
    bench.sweep_later()
    bench.place("A-1", "B-2", "C-3")
    bench.step()
    assert statuses(bench.engine) == ["PROCESSING"] * 3


def test_a_slow_handler_gets_its_orders_one_by_one(bench: Bench) -> None:
    bench.sweep_later()
    bench.place("A-1", "B-2")
    bench.step()
    assert statuses(bench.engine) == ["PROCESSING", "PENDING"]


def test_a_processor_lets_its_batch_grow_under_load_only(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lingered: list[float] = []
    monkeypatch.setattr(processor.time, "sleep", lingered.append)
    monkeypatch.setattr(bench.processor._demand, "record", lambda _orders, *, now: None)
    bench.become_fast()
    monkeypatch.setattr(bench.processor._pace, "record", lambda _orders, _seconds: None)
    bench.sweep_later()
    for demand, times in ((0.0, 0), (LOAD / LINGER_SECONDS - 1, 0), (LOAD / LINGER_SECONDS, 2)):
        bench.processor._demand.per_second = demand
        bench.place(f"at-{demand}")
        bench.step(2)
        assert len(lingered) == times


def test_a_processor_notices_how_many_orders_come(bench: Bench) -> None:
    bench.become_fast()
    bench.sweep_later()
    bench.place("A-1")
    bench.step()
    bench.place(*(f"B-{number}" for number in range(100)))
    bench.step()
    assert bench.processor._demand.per_second > 0


def test_after_an_overflow_the_oldest_orders_come_first(bench: Bench) -> None:
    bench.sweep_later()
    ids = [f"order-{number}" for number in range(MAX_HINTS + 4)]
    bench.place(*ids)
    assert bench.hints.overflowed
    bench.step_until(*["COMPLETED"] * len(ids))
    assert bench.handled_ids == ids
    bench.step()
    assert not bench.hints.overflowed


def let_it_wait_for_no_hint(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if the processor waits for one, such as until its next sweep."""
    take = bench.hints.take

    def take_at_once(limit: int, *, wait_seconds: float) -> list[Hint]:
        assert wait_seconds == 0
        return take(limit, wait_seconds=wait_seconds)

    monkeypatch.setattr(bench.hints, "take", take_at_once)


def test_an_order_that_comes_in_as_an_overflow_ends_waits_for_no_further_sweep(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.become_fast()
    bench.place(*(f"order-{number}" for number in range(MAX_HINTS + 1)))
    turn = bench.service.turn

    def turn_as_an_order_comes_in(*arguments: Any, sweep_limit: int, worker_id: int) -> Turn:
        done = turn(*arguments, sweep_limit=sweep_limit, worker_id=worker_id)
        if sweep_limit and not done.more:
            monkeypatch.setattr(bench.service, "turn", turn)
            bench.place("late")
        return done

    monkeypatch.setattr(bench.service, "turn", turn_as_an_order_comes_in)
    let_it_wait_for_no_hint(bench, monkeypatch)
    bench.step_until(*["COMPLETED"] * (MAX_HINTS + 2))


def test_hints_are_taken_again_once_the_overflow_is_worked_off(bench: Bench) -> None:
    bench.place(*(f"order-{number}" for number in range(MAX_HINTS + 1)))
    bench.step_until(*["COMPLETED"] * (MAX_HINTS + 1))
    while bench.hints.overflowed:
        bench.step()
    bench.sweep_later()
    bench.place("late")
    assert len(bench.hints) == 1
    bench.step()
    assert statuses(bench.engine)[-1] == "PROCESSING"


def test_a_handler_that_raises_is_tried_again_until_its_attempts_are_used_up(
    bench: Bench,
) -> None:
    def fail(order: Order) -> None:
        raise ValueError(f"attempt {order.attempt}")

    bench.handle = fail
    bench.place("A-1", "B-2")
    bench.step_until("FAILED", "FAILED")
    assert sorted((order.order_id, order.attempt) for order in bench.handled) == [
        (order_id, attempt) for order_id in ("A-1", "B-2") for attempt in (1, 2, 3)
    ]
    for found in all_rows(bench.engine):
        assert (found.fence, found.attempts, found.last_error) == (6, 3, "ValueError: attempt 3")


def test_a_handler_that_succeeds_at_last_completes_its_order(bench: Bench) -> None:
    def fail_twice(order: Order) -> None:
        if order.attempt < 3:
            raise ValueError

    bench.handle = fail_twice
    bench.place("A-1")
    bench.step_until("COMPLETED")
    (found,) = all_rows(bench.engine)
    assert (found.fence, found.attempts, found.last_error) == (6, 3, None)


def test_a_permanent_error_ends_it_at_the_first_attempt(bench: Bench) -> None:
    def refuse(_order: Order) -> None:
        raise PermanentError("no such article")

    bench.handle = refuse
    bench.place("A-1")
    bench.step_until("FAILED")
    assert len(bench.handled) == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_whatever_goes_wrong_between_the_handlers_every_claim_stays_in_hand(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    bench = Bench(engine, threads=threads)
    bench.place_and_claim("A-1", "A-2", "A-3")
    monkeypatch.setattr(processor, "BATCH_SECONDS", LONG_SECONDS)
    attempt = bench.processor._attempt

    def fail(held: Claim) -> Ending:
        if held.hint.order_id == "A-2":
            raise MemoryError
        return attempt(held)

    monkeypatch.setattr(bench.processor, "_attempt", fail)
    with pytest.raises(MemoryError):
        bench.step()
    monkeypatch.undo()
    bench.processor.sweep_soon()  # so that no step waits for hints
    bench.step_until(*["COMPLETED"] * 3)
    if threads > 1:
        bench.processor._map.__self__.terminate()
    assert differences(engine) == []


def test_an_order_that_waits_for_its_retry_holds_up_no_other(engine: Engine) -> None:
    bench = Bench(engine, base_seconds=LONG_SECONDS)

    def fail_one(order: Order) -> None:
        if order.order_id == "A-1":
            raise ValueError

    bench.handle = fail_one
    bench.place("A-1", "B-2")
    bench.step_until("PENDING", "COMPLETED")
    assert all_rows(engine)[0].available_at > utc_now()


# --- the database is away ------------------------------------------------------------------------


def take_the_database_away(engine: Engine) -> None:
    """Let the breaker turn away everybody, as it does while the database cannot be reached."""
    breaker_of(engine).opened_by("a test")
    breaker_of(engine)._probe_at = float("inf")


def bring_the_database_back(engine: Engine) -> None:
    breaker_of(engine).succeeded()


def test_results_stay_in_hand_while_the_database_is_away(bench: Bench) -> None:
    bench.sweep_later()
    bench.place("A-1")
    bench.step()
    take_the_database_away(bench.engine)
    for _ in range(3):
        with pytest.raises(UnavailableError):
            bench.step()
    assert bench.handled_ids == ["A-1"]
    bring_the_database_back(bench.engine)
    assert statuses(bench.engine) == ["PROCESSING"]
    bench.step()
    assert statuses(bench.engine) == ["COMPLETED"]
    assert bench.handled_ids == ["A-1"]


def test_hints_in_hand_are_claimed_when_the_database_is_back(bench: Bench) -> None:
    bench.sweep_later()
    bench.place("A-1")
    take_the_database_away(bench.engine)
    with pytest.raises(UnavailableError):
        bench.step()
    assert len(bench.hints) == 0
    bring_the_database_back(bench.engine)
    bench.step()
    assert statuses(bench.engine) == ["PROCESSING"]


def test_a_result_that_comes_after_the_order_was_taken_over_is_dropped(bench: Bench) -> None:
    bench.sweep_later()
    bench.place("A-1")
    bench.step()
    take_the_database_away(bench.engine)
    with pytest.raises(UnavailableError):
        bench.step()
    bring_the_database_back(bench.engine)
    in_transaction(bench.engine, workers.leave, bench.worker_id)
    adopt(bench.engine)
    claim(bench.engine, seen(bench.engine, [1]), owner=OTHER)
    bench.step()
    assert totals(bench.engine)["stale_completions"] == 1
    (found,) = all_rows(bench.engine)
    assert (found.status, found.owner_id) == (OrderStatus.PROCESSING, OTHER)


@pytest.mark.parametrize("happened", [[True], [False], [True, True], [False, True]], ids=str)
def test_a_commit_without_an_answer_runs_no_handler_twice(
    bench: Bench, commits: Commits, happened: list[bool]
) -> None:
    bench.place("A-1", "B-2", "C-3")
    bench.become_fast()
    for _ in range(8):
        commits.lose(*happened)
        try:
            bench.step()
        except UnavailableError:
            commits.lose_no_more()
            bench.step()
        commits.lose_no_more()
        if bench.handled and statuses(bench.engine) == ["COMPLETED"] * 3:
            break
    assert statuses(bench.engine) == ["COMPLETED"] * 3
    assert sorted(bench.handled_ids) == ["A-1", "B-2", "C-3"]
    assert [found.fence for found in all_rows(bench.engine)] == [2, 2, 2]


# --- its place in the group ----------------------------------------------------------------------


def test_without_a_fresh_beat_nothing_is_begun(bench: Bench) -> None:
    bench.place("A-1")
    bench.membership.end()
    for _ in range(3):
        with pytest.raises(UnavailableError, match="no heartbeat"):
            bench.step()
    assert (statuses(bench.engine), bench.handled_ids) == (["PENDING"], [])
    bench.supervisor.tick()
    bench.step_until("COMPLETED")


def test_what_was_claimed_before_the_beat_failed_is_not_begun_until_it_is_back(
    bench: Bench,
) -> None:
    """Others may take it over any moment."""
    bench.place_and_claim("A-1")
    bench.membership.end()
    with pytest.raises(UnavailableError, match="no heartbeat"):
        bench.step()
    assert (statuses(bench.engine), bench.handled_ids) == (["PROCESSING"], [])
    bench.supervisor.tick()
    bench.step()
    assert (statuses(bench.engine), bench.handled_ids) == (["COMPLETED"], ["A-1"])


def test_what_a_retired_worker_held_is_dropped_and_worked_on_by_whoever_claims_it(
    bench: Bench,
) -> None:
    bench.place_and_claim("A-1")
    in_transaction(bench.engine, workers.leave, bench.worker_id)
    adopt(bench.engine)
    bench.supervisor.tick()
    bench.processor.sweep_soon()
    bench.step_until("COMPLETED")
    assert [(order.order_id, order.attempt) for order in bench.handled] == [("A-1", 2)]
    assert "stale_completions" not in totals(bench.engine)


def test_a_new_place_that_comes_with_the_look_at_the_old_one_saves_no_old_claim(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.place_and_claim("A-1")
    in_transaction(bench.engine, workers.leave, bench.worker_id)
    adopt(bench.engine)
    holds = Membership.holds.fget

    def look(membership: Membership) -> bool:
        bench.supervisor.tick()
        return holds(membership)

    monkeypatch.setattr(Membership, "holds", property(look))
    bench.processor.sweep_soon()
    bench.step()
    assert bench.handled_ids == []


def test_an_adopted_order_is_worked_on_alone(bench: Bench) -> None:
    hints = place(bench.engine, *(draft() for _ in range(5)))
    overwrite(bench.engine, hints[1].id, solo=True)
    bench.become_fast()
    together = []
    bench.handle = lambda _order: together.append(statuses(bench.engine).count("PROCESSING"))
    bench.step_until(*["COMPLETED"] * 5)
    assert together[bench.handled_ids.index(hints[1].order_id)] == 1


def test_the_orders_behind_one_that_must_be_alone_do_not_wait_for_the_next_sweep(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    hints = place(bench.engine, *(draft() for _ in range(4)))
    overwrite(bench.engine, hints[1].id, solo=True)
    bench.become_fast()
    let_it_wait_for_no_hint(bench, monkeypatch)
    bench.step_until(*["COMPLETED"] * 4)
    assert bench.handled_ids == [each.order_id for each in hints]


def test_a_pool_works_on_several_orders_at_once(engine: Engine) -> None:
    bench = Bench(engine, threads=3)
    together = threading.Barrier(3)
    bench.handle = lambda _order: together.wait(60)
    bench.sweep_later()
    bench.place("A-1", "B-2", "C-3")
    bench.step()
    bench.place("D-4")
    bench.step()
    bench.processor._map.__self__.terminate()
    assert statuses(engine) == ["COMPLETED"] * 3 + ["PROCESSING"]
    assert differences(engine) == []
