"""Who is alive: kills and pauses, what the others conclude from them, and adoption."""

from collections.abc import Iterator

from tests.protocol_model.changes import moved, replaced, spent, with_worker
from tests.protocol_model.protocol import Mistake, Protocol
from tests.protocol_model.state import (
    DEAD,
    FAILED,
    PENDING,
    PROCESSING,
    RUNNING,
    SILENT,
    Edge,
    Judgement,
    State,
    Step,
)


def steps_of_life(state: State, worker: int) -> Iterator[Edge]:
    """Being killed, paused, resumed, started again."""
    mode = state.workers[worker].mode
    if mode == DEAD:
        yield Step("respawn", worker), _registered(state, worker)
        return
    if state.faults.kills:
        memory = {"claims": (None,) * len(state.orders), "judgement": None}
        killed = with_worker(spent(state, "kills"), worker, mode=DEAD, **memory)
        yield Step("kill", worker), killed
    if mode == SILENT:
        yield Step("resume", worker), _resumed(state, worker)
    elif state.faults.pauses:
        paused = with_worker(spent(state, "pauses"), worker, mode=SILENT)
        yield Step("pause beyond the lease", worker), paused


def _registered(state: State, worker: int) -> State:
    """A row of its own for the process; what an earlier row of its held is no longer in hand."""
    row, nothing = len(state.active_rows), (None,) * len(state.orders)
    state = state._replace(active_rows=(*state.active_rows, True))
    return with_worker(state, worker, row=row, mode=RUNNING, claims=nothing)


def _resumed(state: State, worker: int) -> State:
    """The next beat: it moves the counter others watch, or no row if this worker was retired."""
    row = state.workers[worker].row
    if not state.active_rows[row]:
        return _registered(state, worker)
    for observer, other in enumerate(state.workers):
        if other.judgement and other.judgement.row == row:
            outdated = other.judgement._replace(beat_unchanged=False)
            state = with_worker(state, observer, judgement=outdated)
    return with_worker(state, worker, mode=RUNNING)


def steps_of_adoption(protocol: Protocol, state: State, worker: int) -> Iterator[Edge]:
    """Judging a row by its beat, adopting what it holds, and the search for orphans."""
    observer = state.workers[worker]
    if observer.judgement is None:
        for row in _rows_standing_still(state):
            if row != observer.row:
                judgement = Judgement(row, _noted_by(protocol, state, row))
                judged = with_worker(state, worker, judgement=judgement)
                yield Step("judge worker row", worker, row), judged
    else:
        dropped = with_worker(state, worker, judgement=None)
        adopted = _adopted(protocol, dropped, observer.judgement)
        yield Step("adopt from worker row", worker, observer.judgement.row), adopted
    if protocol.mistake is not Mistake.NO_ORPHAN_SEARCH:
        for order, row in enumerate(state.orders):
            if row.status == PROCESSING and not state.active_rows[row.owner]:
                found = _taken_over(protocol, state, order)
                yield Step("find orphaned order", worker, order), found


def _rows_standing_still(state: State) -> list[int]:
    beating = {worker.row for worker in state.workers if worker.mode == RUNNING}
    return [row for row, active in enumerate(state.active_rows) if active and row not in beating]


def _held_by(state: State, row: int) -> tuple[int, ...]:
    orders = enumerate(state.orders)
    return tuple(i for i, order in orders if order.status == PROCESSING and order.owner == row)


def _noted_by(protocol: Protocol, state: State, row: int) -> tuple[int, ...]:
    """What to adopt is asked when adopting, not noted when judging: by then it may have ended."""
    return _held_by(state, row) if protocol.mistake is Mistake.ADOPT_BY_ID else ()


def _adopted(protocol: Protocol, state: State, judgement: Judgement) -> State:
    """The judged row retired if its beat is as seen, then its PROCESSING rows taken over."""
    row = judgement.row
    beat_holds = judgement.beat_unchanged or protocol.mistake is Mistake.ADOPT_WITHOUT_BEAT
    if not (state.active_rows[row] and beat_holds):
        return state
    by_id = protocol.mistake is Mistake.ADOPT_BY_ID
    orders = judgement.noted_orders if by_id else _held_by(state, row)
    state = state._replace(
        active_rows=replaced(state.active_rows, row, item=False),
        false_adoptions=state.false_adoptions + (not judgement.beat_unchanged),
    )
    for order in orders:
        state = _taken_over(protocol, state, order)
    return state


def _taken_over(protocol: Protocol, state: State, order: int) -> State:
    """PROCESSING -> PENDING, or FAILED if that was its last attempt."""
    row = state.orders[order]
    status = FAILED if row.attempts >= protocol.max_attempts else PENDING
    if protocol.mistake is Mistake.ADOPT_WITHOUT_FENCE_STEP:
        return moved(state, order, status, fence=row.fence)
    return moved(state, order, status)
