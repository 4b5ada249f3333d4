"""What must be so in every state; each returns a sentence if it is not."""

from collections.abc import Iterator

from tests.protocol_model.protocol import Protocol
from tests.protocol_model.state import COMPLETED, ENDS, STATUSES, Order, State


def violations(protocol: Protocol, state: State) -> Iterator[str]:
    """Everything that is wrong with this state."""
    for number, order in enumerate(state.orders):
        for sentence in _violations_of(protocol, order):
            yield f"order {number} {sentence}"
    if state.counts != recount(state):
        yield "the counters differ from a recount"
    if state.false_adoptions:
        yield "a worker was retired although its beat had moved"


def recount(state: State) -> tuple[int, ...]:
    """How many rows there are of each status."""
    statuses = [order.status for order in state.orders]
    return tuple(statuses.count(status) for status in STATUSES)


def all_ended(state: State) -> bool:
    """No order waits or is worked on; one that was never placed counts as ended."""
    return all(order.status in ENDS or order == Order() for order in state.orders)


def _violations_of(protocol: Protocol, order: Order) -> Iterator[str]:
    completed = order.status == COMPLETED
    if order.ends_in_this_life != (order.status in ENDS):
        yield f"ended {order.ends_in_this_life} times and is {order.status}"
    if order.completions > 1:
        yield "was completed twice"
    if order.fence != order.transitions:
        yield f"has fence {order.fence} after {order.transitions} transitions"
    if order.attempts > protocol.max_attempts:
        yield f"was attempted {order.attempts} times"
    if completed and not order.touched_by_hand and order.fence != 2 * order.attempts:
        yield f"was completed with fence {order.fence} after {order.attempts} attempts"
    if completed and not order.handled_in_this_life:
        yield "was completed and never handled"
