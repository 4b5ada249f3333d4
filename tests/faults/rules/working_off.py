"""Every order is worked off: it ends once, in time, after its handler ran, as that handler went."""

from collections.abc import Iterator

from tests.faults.evidence import Evidence
from tests.faults.rows import OrderRow
from tests.faults.rules.violation import Harm, Violation
from tests.faults.script import SUCCEEDING, Act

ENDS = ("COMPLETED", "FAILED", "CANCELLED")


def every_order_reaches_its_end(evidence: Evidence) -> Iterator[Violation]:
    """Rule 3: all rows end in time, their times are in order, no attempt is one too many."""
    for row in evidence.rows:
        if row.status not in ENDS:
            yield Violation(3, row.order_id, f"is still {row.status}", Harm.LOST)
        elif _seconds_late(evidence, row) > 0:
            sentence = f"ended {_seconds_late(evidence, row):.1f} s after its bound"
            yield Violation(3, row.order_id, sentence)
        if not _times_in_order(row):
            times = f"{row.created_at}, {row.started_at}, {row.completed_at}"
            yield Violation(3, row.order_id, f"is {row.status} and has the times {times}")
        if row.attempts > evidence.allowance.max_attempts:
            yield Violation(3, row.order_id, f"was attempted {row.attempts} times")


def _seconds_late(evidence: Evidence, row: OrderRow) -> float:
    """How long after the bound the row ended; it runs from the last fault or the creation."""
    allowance = evidence.allowance
    if allowance.bound_seconds is None or row.completed_at is None:
        return 0
    begin = max([row.created_at, *allowance.fault_times[-1:]])
    return row.completed_at - begin - allowance.bound_seconds


def _times_in_order(row: OrderRow) -> bool:
    """Tell whether created <= started <= completed, as far as its status demands them."""
    times = [row.created_at, row.started_at, row.completed_at]
    if row.status in ENDS and row.completed_at is None:
        return False
    if row.status == "COMPLETED" and row.started_at is None:
        return False
    known = [time for time in times if time is not None]
    return known == sorted(known)


def every_transition_is_counted_once(evidence: Evidence) -> Iterator[Violation]:
    """Rule 4: fence = 2 x attempts, for each attempt begins and ends once."""
    for row in evidence.rows:
        ends_to_come = row.status == "PROCESSING"
        if row.order_id in evidence.touched_by_hand:
            continue
        if row.fence + ends_to_come != 2 * row.attempts:
            sentence = f"is {row.status} with fence {row.fence} after {row.attempts} attempts"
            yield Violation(4, row.order_id, sentence, Harm.TWICE)


def every_completed_order_was_handled(evidence: Evidence) -> Iterator[Violation]:
    """Rule 5: the ledger has a line for each, and more only for what a worker had in hand."""
    for row in evidence.rows:
        if row.status == "COMPLETED" and row.order_id not in evidence.handler_calls:
            yield Violation(5, row.order_id, "is COMPLETED, but no handler ran", Harm.LOST)
    for order_id in evidence.handler_calls.keys() - evidence.row_of_order.keys():
        yield Violation(5, order_id, "was handled and is not there", Harm.PHANTOM)
    allowance = evidence.allowance
    allowed = (allowance.kills + allowance.pauses) * allowance.largest_batch
    if len(evidence.repeated) > allowed:
        sentence = f"were handled again, {allowed} may be: {', '.join(evidence.repeated[:10])}"
        yield Violation(5, f"{len(evidence.repeated)} orders", sentence)


def every_end_is_as_the_script_has_it(evidence: Evidence) -> Iterator[Violation]:
    """Rule 8, for cases whose handler fails by script: it ends as its last attempt went."""
    allowance = evidence.allowance
    for row in evidence.rows:
        act, _ = allowance.script.act(row.order_id, row.user_id, row.attempts)
        succeeds = act in SUCCEEDING
        was_disturbed = bool(allowance.kills + allowance.pauses)
        cut_off = row.attempts >= allowance.max_attempts and (not succeeds or was_disturbed)
        if row.status == "COMPLETED" and not succeeds:
            sentence = f"is COMPLETED, though attempt {row.attempts} was to {act}"
            yield Violation(8, row.order_id, sentence)
        if row.status == "FAILED" and act is not Act.PERMANENT and not cut_off:
            sentence = f"is FAILED, though attempt {row.attempts} was to {act}"
            yield Violation(8, row.order_id, sentence)
