"""How a state differs after one row, one worker or one budget changed."""

from typing import Any, TypeVar

from tests.protocol_model.state import COMPLETED, ENDS, STATUSES, Claim, State

T = TypeVar("T")


def replaced(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    """The tuple with `item` in place `index`."""
    return (*items[:index], item, *items[index + 1 :])


def with_row(state: State, order: int, **columns: Any) -> State:
    """Other columns of one row of `orders`."""
    row = state.orders[order]._replace(**columns)
    return state._replace(orders=replaced(state.orders, order, row))


def with_worker(state: State, worker: int, **memory: Any) -> State:
    """Another mode, row or memory of one worker."""
    changed = state.workers[worker]._replace(**memory)
    return state._replace(workers=replaced(state.workers, worker, changed))


def with_claim(state: State, worker: int, order: int, claim: Claim | None) -> State:
    """The worker holds this claim of the order, or none."""
    claims = replaced(state.workers[worker].claims, order, claim)
    return with_worker(state, worker, claims=claims)


def spent(state: State, fault: str) -> State:
    """One less of this fault may still happen."""
    left = getattr(state.faults, fault) - 1
    return state._replace(faults=state.faults._replace(**{fault: left}))


def counted(state: State, before: str, after: str) -> State:
    """The counters after one order went from one status to another."""
    counts = list(state.counts)
    counts[STATUSES.index(before)] -= 1
    counts[STATUSES.index(after)] += 1
    return state._replace(counts=tuple(counts))


def moved(state: State, order: int, status: str, **columns: Any) -> State:
    """The row after a transition to `status`, with its counters in the same transaction."""
    row = state.orders[order]
    after = {
        "status": status,
        "fence": row.fence + 1,
        "transitions": row.transitions + 1,
        "ends_in_this_life": row.ends_in_this_life + (status in ENDS),
        "completions": row.completions + (status == COMPLETED),
    }
    return counted(with_row(state, order, **(after | columns)), row.status, status)
