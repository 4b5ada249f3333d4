"""The protocol holds in every state it can reach, and the search would notice if it did not."""

import pytest

from tests.protocol_model.changes import counted, with_row
from tests.protocol_model.invariants import violations
from tests.protocol_model.protocol import Mistake, Protocol
from tests.protocol_model.search import Finding, search
from tests.protocol_model.state import ABSENT, COMPLETED, FAILED, Faults, first_state

ONE_OF_EACH = Faults(kills=1, pauses=1, lost_commits=1, cancels=1, operator_retries=1)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("orders", "faults", "at_least"),
    [
        (1, Faults(kills=1, pauses=1, lost_commits=1), 40_000),
        (1, Faults(kills=1, pauses=1, cancels=1, operator_retries=1), 60_000),
        (1, Faults(lost_commits=2, cancels=1, operator_retries=2), 10_000),
        (2, Faults(pauses=1, lost_commits=1), 140_000),
        (2, Faults(kills=1), 20_000),
    ],
)
def test_the_protocol_violates_nothing_in_any_state(orders: int, faults: Faults, at_least: int):
    found = search(Protocol(), first_state(orders, faults))

    assert (found.violation, found.trace) == (None, ())
    assert found.states > at_least, "a smaller search than this has lost some of its steps"


def test_completing_by_id_alone_is_found():
    found = _search_with(Mistake.END_BY_ID, Faults(pauses=1))

    assert found.violation == "order 0 was completed with fence 3 after 1 attempts"
    assert found.trace == (
        "place order 0",
        "pause beyond the lease by worker 0",
        "claim order 0 by worker 0",
        "handler returned for order 0 by worker 0",
        "judge worker row 0 by worker 1",
        "adopt from worker row 0 by worker 1",
        "end of order 0 by worker 0",
    )


def test_adopting_by_id_alone_is_found():
    found = _search_with(Mistake.ADOPT_BY_ID, Faults(pauses=1))

    assert found.violation == "order 0 ended 1 times and is PENDING"
    assert found.trace == (
        "place order 0",
        "pause beyond the lease by worker 0",
        "claim order 0 by worker 0",
        "handler returned for order 0 by worker 0",
        "judge worker row 0 by worker 1",
        "end of order 0 by worker 0",
        "adopt from worker row 0 by worker 1",
    )


def test_rerunning_a_lost_commit_by_id_alone_is_found():
    found = _search_with(Mistake.RERUN_BY_ID, ONE_OF_EACH)

    assert found.violation == "order 0 ended 2 times and is COMPLETED"
    assert found.trace == (
        "place order 0",
        "claim order 0 by worker 0",
        "handler returned for order 0 by worker 0",
        "lose the answer to the end of order 0 by worker 0",
        "rerun lost end of order 0 by worker 0",
    )


def test_leaving_out_the_search_for_orphans_is_found_as_an_order_that_is_stuck():
    found = _search_with(Mistake.NO_ORPHAN_SEARCH, Faults(pauses=1))

    assert found.violation == "an order never reaches an end"
    assert found.trace == (
        "place order 0",
        "pause beyond the lease by worker 0",
        "judge worker row 0 by worker 1",
        "adopt from worker row 0 by worker 1",
        "claim order 0 by worker 0",
    )


@pytest.mark.parametrize(
    ("mistake", "violation", "steps"),
    [
        (Mistake.CLAIM_BY_ID, "order 0 ended 1 times and is PROCESSING", 3),
        (Mistake.ADOPT_WITHOUT_BEAT, "a worker was retired although its beat had moved", 4),
        (Mistake.ADOPT_WITHOUT_FENCE_STEP, "order 0 has fence 1 after 2 transitions", 5),
        (Mistake.COUNT_BEFORE_COMMIT, "the counters differ from a recount", 4),
        (Mistake.READ_BACK_WITHOUT_STATUS, "order 0 ended 2 times and is COMPLETED", 9),
    ],
)
def test_every_other_mistake_breaks_an_invariant(mistake: Mistake, violation: str, steps: int):
    found = _search_with(mistake, ONE_OF_EACH)

    assert found.violation == violation
    assert len(found.trace) == steps, "\n".join(found.trace)


def test_leaving_out_the_sweep_is_found_as_an_order_that_is_stuck():
    found = _search_with(Mistake.NO_SWEEP, Faults())

    assert found.violation == "an order never reaches an end"
    assert len(found.trace) == 3, "\n".join(found.trace)


@pytest.mark.parametrize(
    ("columns", "violation"),
    [
        ({"status": COMPLETED, "completions": 2}, "order 0 was completed twice"),
        (
            {"status": COMPLETED, "handled_in_this_life": False},
            "order 0 was completed and never handled",
        ),
        ({"status": FAILED, "attempts": 3}, "order 0 was attempted 3 times"),
    ],
)
def test_an_invariant_that_no_mistake_here_breaks_first_can_be_broken(
    columns: dict[str, object], violation: str
):
    ended = {"ends_in_this_life": 1, "fence": 2, "transitions": 2, "attempts": 1}
    ended |= {"handled_in_this_life": True} | columns
    state = with_row(first_state(1, Faults()), 0, **ended)
    state = counted(state, ABSENT, state.orders[0].status)

    assert list(violations(Protocol(), state)) == [violation]


def _search_with(mistake: Mistake, faults: Faults) -> Finding:
    return search(Protocol(mistake=mistake), first_state(1, faults))
