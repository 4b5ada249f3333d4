"""Moving by hand all orders of a selection: as single ones are moved, a batch at a time."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine

from app.database import AnyRow
from app.orders import counters, store
from app.orders.lifecycle import OrderStatus, Transition
from app.orders.listing import Selection, read_page
from app.orders.manual import CANCELLING, RETRYING, Move
from app.orders.moves import log_moves
from app.orders.queries import NAMES
from app.transactions import run_transaction

BATCH: Final = 500
"""Orders that one transaction moves: few enough for it to be short."""
TURN_SECONDS: Final = 4.0
"""No batch of a turn begins later: a request waits for it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What one turn has brought."""

    moved: int
    next_after: int | None
    """Where the next turn goes on; None if the selection is done."""


class SelectedMoves:
    """Moves all orders of a selection, turn after turn.

    A turn looks at each order once, oldest first. An order that is no longer where the move
    begins, such as one that a worker has claimed meanwhile, is left alone, so a turn that is
    repeated moves nothing twice.

    Args:
        engine: The database.
        worker_id: Returns the id this process is registered under in `workers`.

    """

    def __init__(self, engine: Engine, *, worker_id: Callable[[], int]) -> None:
        self._engine = engine
        self._worker_id = worker_id

    def cancel(self, selection: Selection, *, after: int | None = None) -> Progress:
        """PENDING -> CANCELLED for the selection's orders.

        Args:
            selection: Oldest first; best bounded by `created_to`, or it may never be done.
            after: `next_after` of the turn before; None for the first turn.

        """
        return self._turn(selection, after, store.cancel, CANCELLING)

    def retry(self, selection: Selection, *, after: int | None = None) -> Progress:
        """FAILED or CANCELLED -> PENDING, attempts from 0, for the selection's orders.

        Args:
            selection: Oldest first; best bounded by `created_to`, or it may never be done.
            after: `next_after` of the turn before; None for the first turn.

        """
        return self._turn(selection, after, store.reopen, RETRYING)

    def _turn(
        self,
        selection: Selection,
        after: int | None,
        move: Move,
        transitions: Mapping[OrderStatus, Transition],
    ) -> Progress:
        until = time.monotonic() + TURN_SECONDS
        moved = 0
        while True:
            read = partial(read_page, selection=selection, limit=BATCH, after=after, columns=NAMES)
            page = run_transaction(self._engine, read, read_only=True)
            ids = [row.id for row in page.rows]
            moved += self._move(ids, move, transitions) if ids else 0
            after = page.next_after
            if after is None or time.monotonic() > until:
                return Progress(moved, after)

    def _move(
        self,
        ids: Sequence[int],
        move: Move,
        transitions: Mapping[OrderStatus, Transition],
    ) -> int:
        """Return how many of the orders were moved, in one transaction."""
        before: dict[int, AnyRow] = {}

        def work(connection: Connection) -> list[AnyRow]:
            rows = store.lock_all(connection, ids)
            done = {
                row.id: before[row.id]
                for row in rows
                if row.id in before and _was_moved(before[row.id], row)
            }
            movable = [row for row in rows if row.status in transitions and row.id not in done]
            before.update({row.id: row for row in movable})
            if movable:
                move(connection, movable)
                tally = Counter(transitions[row.status].name for row in movable)
                counters.add(connection, self._worker_id(), tally)
            return [*done.values(), *movable]

        moved = run_transaction(self._engine, work)
        log_moves((transitions[row.status], row.order_id) for row in moved)
        return len(moved)


def _was_moved(before: AnyRow, now: AnyRow) -> bool:
    """Tell whether an earlier try, whose COMMIT was thought lost, has moved the row after all.

    Only people move an ended order. A PENDING one may have been claimed instead.
    """
    if before.status is OrderStatus.PENDING and now.status is not OrderStatus.CANCELLED:
        return False
    return bool(now.fence > before.fence)
