"""The usual turn of a processor: what it ends and what it claims next, in one round trip."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from app.orders.lifecycle import Claim, Ending, Hint
from app.orders.store import claiming, settling
from app.round_trip import Statement, execute_together


def settle_and_claim(
    connection: Connection,
    endings: Sequence[Ending],
    hints: Iterable[Hint],
    *also: Statement,
    owner_id: int,
) -> tuple[tuple[list[Ending], list[Ending]], tuple[list[Claim], int]]:
    """PROCESSING -> where each ending leads, then PENDING -> PROCESSING for the hints.

    Args:
        connection: In a transaction.
        endings: What became of earlier claims.
        hints: The orders to claim; none of those that the endings give back.
        also: To be run after them.
        owner_id: Who ends and claims.

    Returns:
        What `settle` returns, and what `claim` does.

    """
    endings, groups = settling.in_order(endings), claiming.by_fence(hints)
    settle = [settling.ending(connection, endings, owner_id=owner_id)] if endings else []
    claim = [claiming.claiming(connection, group, owner_id=owner_id) for group in groups]
    results = execute_together(connection, [*settle, *claim, *also])
    moved = [each.row_count for each in results]
    settled, claimed = moved[: len(settle)], moved[len(settle) : len(settle) + len(claim)]
    return (
        settling.judge(connection, endings, sum(settled), owner_id=owner_id),
        claiming.judge(connection, groups, claimed, owner_id=owner_id),
    )
