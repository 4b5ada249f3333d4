"""Every step that can be taken from a state: the service's own, and what befalls it."""

from collections.abc import Iterator

from tests.protocol_model.changes import counted, moved, spent, with_row
from tests.protocol_model.claims import steps_with_order
from tests.protocol_model.liveness import steps_of_adoption, steps_of_life
from tests.protocol_model.protocol import Protocol
from tests.protocol_model.state import (
    ABSENT,
    CANCELLED,
    DEAD,
    FAILED,
    PENDING,
    RUNNING,
    SILENT,
    Edge,
    State,
    Step,
)


def next_steps(protocol: Protocol, state: State) -> Iterator[Edge]:
    """What may happen next, each with the state it leads to."""
    yield from _place(state)
    for order in range(len(state.orders)):
        yield from _by_hand(state, order)
    for worker, process in enumerate(state.workers):
        yield from steps_of_life(state, worker)
        if process.mode != DEAD:
            yield from steps_of_adoption(protocol, state, worker)
            for order in range(len(state.orders)):
                yield from steps_with_order(protocol, state, worker, order)


def is_recovery(state: State, step: Step) -> bool:
    """Whether the service takes this step by itself, even if no silent worker ever wakes.

    Only when all are silent does it need one of them to be resumed.
    """
    if step.worker is None:
        return False
    if step.action == "resume":
        return all(worker.mode == SILENT for worker in state.workers)
    if step.action == "respawn":
        return True
    misfortune = step.action.startswith(("kill", "pause", "lose"))
    return state.workers[step.worker].mode == RUNNING and not misfortune


def _place(state: State) -> Iterator[Edge]:
    """Only the first order not placed yet: they are alike.

    A lost COMMIT is no step of its own here: repeated with the same order id it finds its own row,
    and the hint that went missing with it is found by the sweep.
    """
    for order, row in enumerate(state.orders):
        if row.status == ABSENT:
            placed = counted(with_row(state, order, status=PENDING), ABSENT, PENDING)
            yield Step("place order", None, order), placed
            return


def _by_hand(state: State, order: int) -> Iterator[Edge]:
    """PENDING -> CANCELLED; FAILED or CANCELLED -> PENDING, which begins another life."""
    status = state.orders[order].status
    if status == PENDING and state.faults.cancels:
        cancelled = moved(spent(state, "cancels"), order, CANCELLED, touched_by_hand=True)
        yield Step("cancel order", None, order), cancelled
    if status in {FAILED, CANCELLED} and state.faults.operator_retries:
        reopened = moved(
            spent(state, "operator_retries"),
            order,
            PENDING,
            attempts=0,
            ends_in_this_life=0,
            handled_in_this_life=False,
            touched_by_hand=True,
        )
        yield Step("retry by hand order", None, order), reopened
