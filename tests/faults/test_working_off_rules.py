"""Rules 3, 4, 5 and 8 catch an order that does not end as it should."""

import pytest

from tests.faults.history import PLACED_AT, History, broken, harm
from tests.faults.script import Script


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING"])
def test_rule_3_an_order_that_reaches_no_end_is_lost(history: History, status: str):
    fence = 2 if status == "PENDING" else 1
    history.order("a", status=status, fence=fence, completed_at=None)

    verdict = history.verdict()

    assert broken(verdict) == [(3, "order-a", f"is still {status}")]
    assert harm(verdict) == (1, 0, 0)


def test_rule_3_an_order_that_ends_after_the_bound_is_told(history: History):
    history.order("a", completed_at=9)

    verdict = history.verdict(bound_seconds=6, fault_times=(PLACED_AT + 0.5, PLACED_AT + 2))

    assert broken(verdict) == [(3, "order-a", "ended 1.0 s after its bound")]


def test_rule_3_the_bound_of_an_order_placed_after_the_last_fault_begins_with_it(history: History):
    history.order("a", completed_at=9)

    verdict = history.verdict(bound_seconds=6, fault_times=(PLACED_AT - 60,))

    assert broken(verdict) == [(3, "order-a", "ended 3.0 s after its bound")]


@pytest.mark.parametrize(
    "times",
    [
        {"started_at": -1},
        {"completed_at": 0.5},
        {"started_at": None},
        {"completed_at": None},
    ],
    ids=str,
)
def test_rule_3_times_out_of_order_or_missing_are_told(history: History, times: dict):
    history.order("a", **times)

    ((rule, order_id, sentence),) = broken(history.verdict())

    assert (rule, order_id) == (3, "order-a")
    assert sentence.startswith("is COMPLETED and has the times ")


def test_rule_3_an_attempt_too_many_is_told(history: History):
    history.order("a", attempts=3, fence=6)

    verdict = history.verdict(max_attempts=2)

    assert broken(verdict) == [(3, "order-a", "was attempted 3 times")]


@pytest.mark.parametrize("fence", [1, 3, 4])
def test_rule_4_a_transition_that_was_not_counted_once_is_told(history: History, fence: int):
    history.order("a", fence=fence)

    verdict = history.verdict()

    sentence = f"is COMPLETED with fence {fence} after 1 attempts"
    assert broken(verdict) == [(4, "order-a", sentence)]
    assert harm(verdict) == (0, 1, 0)


def test_rule_5_a_completed_order_that_was_never_handled_is_lost(history: History):
    history.asked("a")
    history.row("a")

    verdict = history.verdict()

    assert broken(verdict) == [(5, "order-a", "is COMPLETED, but no handler ran")]
    assert harm(verdict) == (1, 0, 0)


def test_rule_5_a_handled_order_that_is_not_there_is_a_phantom(history: History):
    history.handled("a")

    verdict = history.verdict()

    assert broken(verdict) == [(5, "order-a", "was handled and is not there")]
    assert harm(verdict) == (0, 0, 1)


@pytest.mark.parametrize(
    ("allowance", "ok"),
    [
        ({"kills": 1, "pauses": 1, "largest_batch": 2}, True),
        ({"kills": 1, "largest_batch": 3}, False),
        ({"largest_batch": 100}, False),
    ],
    ids=str,
)
def test_rule_5_as_many_are_handled_again_as_workers_had_in_hand(
    history: History, allowance: dict, ok: bool
):
    for key in "abcd":
        history.order(key, fence=4, attempts=2)
        history.handled(key, attempt=2)

    verdict = history.verdict(**allowance)

    assert verdict.repeated == 4
    assert verdict.ok == ok
    assert ok or broken(verdict)[0][:2] == (5, "4 orders")


def test_rule_8_an_end_other_than_the_script_has_it_is_told(history: History):
    history.order("completed", user_id="raise")
    history.order("failed", status="FAILED")

    assert broken(history.verdict()) == [
        (8, "order-completed", "is COMPLETED, though attempt 1 was to raise"),
        (8, "order-failed", "is FAILED, though attempt 1 was to return"),
    ]


def test_rule_8_an_order_may_fail_when_its_attempts_are_used_up(history: History):
    history.order("raising", user_id="raise", status="FAILED", attempts=2, fence=4)
    history.order("killed", status="FAILED", attempts=2, fence=4)

    assert history.verdict(max_attempts=2, kills=2).ok
    assert broken(history.verdict(max_attempts=2)) == [
        (8, "order-killed", "is FAILED, though attempt 2 was to return")
    ]


def test_an_order_that_raises_by_script_is_not_handled_again(history: History):
    script = Script(seed=7, failure_rate=0.5)
    keys = [str(number) for number in range(40)]
    for key in keys:
        attempts = script.attempts_until_end(f"order-{key}", 7, max_attempts=3)
        act, _ = script.act(f"order-{key}", 7, attempts)
        status = "FAILED" if act == "raise" else "COMPLETED"
        history.order(key, status=status, attempts=attempts, fence=2 * attempts)
        for attempt in range(2, attempts + 1):
            history.handled(key, attempt)

    assert history.verdict(max_attempts=3, script=script).ok
    assert history.verdict(max_attempts=3, script=Script(seed=8, failure_rate=0.5)).repeated > 0
