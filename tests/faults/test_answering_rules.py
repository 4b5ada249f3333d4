"""Rules 6 and 7 catch a counter that is wrong and an error a client should not have seen."""

import pytest

from tests.faults.history import History, broken
from tests.faults.journal import read_journal


@pytest.mark.parametrize(
    "name",
    [
        "pending_count",
        "processing_count",
        "processed_count",
        "failed_count",
        "cancelled_count",
        "total_orders",
    ],
)
def test_rule_6_a_counter_that_differs_from_a_recount_is_told(history: History, name: str):
    history.order("a", user_id="permanent", status="FAILED")
    metrics = {"pending_count": 0, "processing_count": 0, "processed_count": 0}
    metrics |= {"failed_count": 1, "cancelled_count": 0, "total_orders": 1}

    verdict = history.verdict(metrics | {name: 5})

    assert broken(verdict) == [(6, name, f"is 5, a recount gives {metrics[name]}")]


@pytest.mark.parametrize("status", [500, 502, 504])
def test_rule_7_an_error_other_than_503_is_told(history: History, status: int):
    history.asked("a", status)

    assert broken(history.verdict()) == [(7, "a", f"was answered {status}")]


def test_rule_7_a_503_long_after_the_last_fault_is_told(history: History):
    history.asked("a", 503)
    (call,) = read_journal(history.journal)

    ((rule, key, sentence),) = broken(history.verdict(fault_times=(0.0, call.answered_at - 6)))

    assert (rule, key) == (7, "a")
    assert sentence.startswith("was answered 503, 6.")
    assert history.verdict(fault_times=(call.answered_at - 4,)).ok
