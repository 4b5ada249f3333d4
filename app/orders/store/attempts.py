"""Keeping how attempts ended that did not complete their order: what the timeline shows."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, insert

from app.clock import utc_now
from app.orders.lifecycle import COMPLETE, Ending
from app.orders.model import attempts

_INSERT: Final = insert(attempts)


def record(connection: Connection, endings: Iterable[Ending]) -> None:
    """Write down those of the endings that completed nothing, in the transaction that moves them.

    A completed order tells its attempt itself, so the usual batch costs nothing here.
    """
    rows = [
        {
            "order_row_id": ending.claim.hint.id,
            "fence": ending.claim.fence,
            "attempt": ending.claim.attempt,
            "started_at": ending.started_at,
            "ended_at": ending.ended_at or utc_now(),
            "outcome": ending.transition.name,
            "error": ending.error,
        }
        for ending in endings
        if ending.transition is not COMPLETE
    ]
    if rows:
        connection.execute(_INSERT, rows)
