"""The use cases of a person in charge: cancel an order, send an ended one round again."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, Engine

from app.database import AnyRow
from app.orders import counters, queries, store
from app.orders.errors import OrderNotFoundError, WrongStatusError
from app.orders.lifecycle import (
    CANCEL,
    REOPEN_CANCELLED,
    REOPEN_FAILED,
    OrderStatus,
    Transition,
)
from app.orders.moves import log_moves
from app.transactions import run_transaction

Move = Callable[[Connection, Sequence[AnyRow]], None]
"""The statement that moves rows, which are locked."""

CANCELLING: Final = {OrderStatus.PENDING: CANCEL}
RETRYING: Final = {
    OrderStatus.FAILED: REOPEN_FAILED,
    OrderStatus.CANCELLED: REOPEN_CANCELLED,
}


class ManualMoves:
    """Moves single orders by hand.

    Args:
        engine: The database.
        worker_id: Returns the id this process is registered under in `workers`.

    """

    def __init__(self, engine: Engine, *, worker_id: Callable[[], int]) -> None:
        self._engine = engine
        self._worker_id = worker_id

    def cancel(self, order_id: str) -> AnyRow:
        """PENDING -> CANCELLED; returns the order, also if it was cancelled before.

        Raises:
            OrderNotFoundError: There is none.
            WrongStatusError: It is neither PENDING nor CANCELLED.

        """
        return self._move(order_id, store.cancel, CANCELLING, as_it_is=OrderStatus.CANCELLED)

    def retry(self, order_id: str) -> AnyRow:
        """FAILED or CANCELLED -> PENDING, attempts from 0; returns the order.

        Raises:
            OrderNotFoundError: There is none.
            WrongStatusError: It is neither FAILED nor CANCELLED.

        """
        return self._move(order_id, store.reopen, RETRYING, as_it_is=None)

    def _move(
        self,
        order_id: str,
        move: Move,
        transitions: Mapping[OrderStatus, Transition],
        *,
        as_it_is: OrderStatus | None,
    ) -> AnyRow:
        moved_at_fence: list[int] = []
        made: list[tuple[Transition, str]] = []

        def work(connection: Connection) -> AnyRow:
            row = store.lock(connection, order_id)
            if row is None:
                raise OrderNotFoundError(f"there is no order {order_id!r}")
            # An ended order that has left the fence at which an earlier try moved it was moved by
            # that try, whose COMMIT was thought lost. A PENDING one may have been claimed instead.
            done = bool(moved_at_fence) and row.fence > moved_at_fence[0]
            if not done and row.status is not as_it_is:
                if row.status not in transitions:
                    raise WrongStatusError(f"order {order_id!r} is {row.status}")
                move(connection, [row])
                if row.status is not OrderStatus.PENDING:
                    moved_at_fence[:] = [row.fence]
                transition = transitions[row.status]
                counters.add(connection, self._worker_id(), Counter({transition.name: 1}))
                made[:] = [(transition, order_id)]
            return queries.by_order_id(connection, order_id)

        row = run_transaction(self._engine, work)
        log_moves(made)
        return row
