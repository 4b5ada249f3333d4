"""What a worker does with one order: claim, run the handler, end; each COMMIT may be lost."""

from collections.abc import Iterator

from tests.protocol_model.changes import counted, moved, spent, with_claim, with_row
from tests.protocol_model.protocol import Mistake, Protocol
from tests.protocol_model.state import (
    ABSENT,
    CLAIMED,
    COMPLETED,
    FAILED,
    GAVE_UP,
    PENDING,
    PROCESSING,
    RAISED,
    RETURNED,
    Claim,
    Edge,
    State,
    Step,
)


def steps_with_order(protocol: Protocol, state: State, worker: int, order: int) -> Iterator[Edge]:
    """What this worker may do next with this order."""
    claim = state.workers[worker].claims[order]
    if claim is None:
        yield from _claim(protocol, state, worker, order)
    elif claim.handler == CLAIMED and claim.commit_in_doubt:
        rerun = _rerun_claim(protocol, state, worker, order)
        yield Step("rerun lost claim of order", worker, order), rerun
    elif claim.handler == CLAIMED:
        yield from _run_handler(state, worker, order, claim)
    else:
        yield from _end(protocol, state, worker, order, claim)


def _claim(protocol: Protocol, state: State, worker: int, order: int) -> Iterator[Edge]:
    """PENDING -> PROCESSING if the fence is the one expected: 0 by hint, what it shows by sweep."""
    row = state.orders[order]
    by_hint = row.fence == 0 or protocol.mistake is Mistake.CLAIM_BY_ID
    by_sweep = row.status == PENDING and protocol.mistake is not Mistake.NO_SWEEP
    if row.status == ABSENT or not (by_hint or by_sweep):
        return
    committed = _claimed(state, worker, order)
    fence = committed.orders[order].fence
    held = with_claim(committed, worker, order, Claim(fence))
    yield Step("claim order", worker, order), held
    if state.faults.lost_commits:
        in_doubt = Claim(fence, commit_in_doubt=True)
        applied = with_claim(spent(committed, "lost_commits"), worker, order, in_doubt)
        yield Step("lose the answer to the claim of order", worker, order), applied
        refused = with_claim(spent(state, "lost_commits"), worker, order, in_doubt)
        yield Step("lose the claim of order", worker, order), refused


def _claimed(state: State, worker: int, order: int) -> State:
    attempts = state.orders[order].attempts + 1
    owner = state.workers[worker].row
    return moved(state, order, PROCESSING, attempts=attempts, owner=owner)


def _rerun_claim(protocol: Protocol, state: State, worker: int, order: int) -> State:
    """The same UPDATE again; if it moves nothing, the read-back tells whether the row is mine."""
    claim, row = state.workers[worker].claims[order], state.orders[order]
    assert claim is not None
    held = Claim(claim.fence)
    if row.fence == claim.fence - 1:
        return with_claim(_claimed(state, worker, order), worker, order, held)
    mine = row.fence == claim.fence and row.owner == state.workers[worker].row
    if protocol.mistake is not Mistake.READ_BACK_WITHOUT_STATUS:
        # the owner of an earlier attempt stays in the row, so a cancelled row could seem mine
        mine = mine and row.status == PROCESSING
    return with_claim(state, worker, order, held if mine else None)


def _run_handler(state: State, worker: int, order: int, claim: Claim) -> Iterator[Edge]:
    """It runs, whether or not the claim still holds: nobody asks the database at this point."""
    if state.orders[order].fence == claim.fence:
        state = with_row(state, order, handled_in_this_life=True)
    for outcome in (RETURNED, RAISED, GAVE_UP):
        ran = with_claim(state, worker, order, claim._replace(handler=outcome))
        yield Step(f"handler {outcome} for order", worker, order), ran


def _end(protocol: Protocol, state: State, worker: int, order: int, claim: Claim) -> Iterator[Edge]:
    """PROCESSING -> COMPLETED, FAILED or PENDING if the fence is still that of the claim.

    If it is not, the row shows an ending of mine that got through, or was taken over: dropped.
    """
    status = _end_status(protocol, state, order, claim)
    ended = moved(state, order, status) if _may_end(protocol, state, order, claim) else state
    rerun = "rerun lost end" if claim.commit_in_doubt else "end"
    yield Step(f"{rerun} of order", worker, order), with_claim(ended, worker, order, None)
    if state.faults.lost_commits and not claim.commit_in_doubt:
        in_doubt = claim._replace(commit_in_doubt=True)
        applied = with_claim(spent(ended, "lost_commits"), worker, order, in_doubt)
        yield Step("lose the answer to the end of order", worker, order), applied
        refused = with_claim(spent(state, "lost_commits"), worker, order, in_doubt)
        if protocol.mistake is Mistake.COUNT_BEFORE_COMMIT:
            refused = counted(refused, PROCESSING, status)
        yield Step("lose the end of order", worker, order), refused


def _may_end(protocol: Protocol, state: State, order: int, claim: Claim) -> bool:
    if protocol.mistake is Mistake.END_BY_ID:
        return True
    if protocol.mistake is Mistake.RERUN_BY_ID and claim.commit_in_doubt:
        return True
    return state.orders[order].fence == claim.fence


def _end_status(protocol: Protocol, state: State, order: int, claim: Claim) -> str:
    if claim.handler == RETURNED:
        return COMPLETED
    last_attempt = state.orders[order].attempts >= protocol.max_attempts
    return FAILED if last_attempt or claim.handler == GAVE_UP else PENDING
