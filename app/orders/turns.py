"""One turn of a processor: it ends attempts and claims the next orders, under one COMMIT."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.clock import utc_now
from app.orders import counters, store
from app.orders.lifecycle import CLAIM, Claim, Ending, Hint, OrderStatus


@dataclass(frozen=True, slots=True)
class Turn:
    """What one transaction of the processor brought."""

    claims: list[Claim]
    """To be worked on now."""
    stale: list[Ending]
    """Endings that came too late: another worker had taken the order over."""
    more: bool = False
    """Whether the sweep, if there was one, may have left orders that are due."""
    ended: int = 0
    """How many orders have reached an end."""


def take_turn(
    connection: Connection, endings: Sequence[Ending], hints: Sequence[Hint], *, worker_id: int
) -> Turn:
    """End these attempts and claim these orders, in one round trip.

    Everything moves, as good as always; what the counters were told too much is taken back.

    Args:
        connection: In a transaction.
        endings: What became of earlier claims.
        hints: The orders to claim; none of those that the endings give back.
        worker_id: Who claims and ends.

    """
    expected = _tally(endings, [], len({hint.id for hint in hints}))
    (settled, stale), (claims, claimed) = store.settle_and_claim(
        connection,
        endings,
        hints,
        *counters.adding(connection, worker_id, expected),
        owner_id=worker_id,
    )
    if (len(settled), claimed) != (len(endings), expected[CLAIM.name]):
        counted = _tally(settled, stale, claimed)
        counted.subtract(expected)
        counters.add(connection, worker_id, counted)
    return Turn(claims, stale, ended=_ended(settled))


def take_turn_by_steps(
    connection: Connection,
    endings: Sequence[Ending],
    hints: list[Hint],
    *,
    sweep_limit: int,
    worker_id: int,
) -> Turn:
    """End these attempts, and claim orders, perhaps some that were just given back.

    Args:
        connection: In a transaction.
        endings: What became of earlier claims.
        hints: The orders to claim. An empty list is filled with orders that are due.
        sweep_limit: How many to take out of the table, oldest first; 0 for none.
        worker_id: Who claims and ends.

    """
    settled: list[Ending] = []
    stale: list[Ending] = []
    if endings:
        settled, stale = store.settle(connection, endings, owner_id=worker_id)
    more = sweep_limit > 0  # an earlier try, which was lost, may have swept
    if sweep_limit and not hints:
        found, more = store.due(connection, limit=sweep_limit, now=utc_now())
        hints.extend(found)
    claims, claimed = store.claim(connection, hints, owner_id=worker_id)
    counters.add(connection, worker_id, _tally(settled, stale, claimed))
    return Turn(claims, stale, more=more, ended=_ended(settled))


def _tally(settled: Sequence[Ending], stale: Sequence[Ending], claimed: int) -> Counter[str]:
    tally = counters.tally_endings(settled)
    tally[counters.STALE_COMPLETIONS] = len(stale)
    tally[CLAIM.name] += claimed
    return tally


def _ended(settled: Sequence[Ending]) -> int:
    return sum(each.transition.target is not OrderStatus.PENDING for each in settled)
