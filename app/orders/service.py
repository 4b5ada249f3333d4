"""The use cases: each is one transaction, tried again as a whole where that can succeed."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from app.clock import utc_now
from app.database import AnyRow
from app.orders import queries
from app.orders.errors import (
    IdempotencyKeyReusedError,
    OrderError,
    OrderExistsError,
    OrderRefusedError,
    OutcomeUnknownError,
    UnavailableError,
)
from app.orders.lifecycle import CLAIM, PLACE, Draft, Ending, Hint, Placed
from app.orders.listing import Page, Selection, read_page
from app.orders.metrics import Metrics, read_metrics
from app.orders.moves import log_moves
from app.orders.placing import write_orders
from app.orders.queries import NAMES
from app.orders.turns import Turn, take_turn, take_turn_by_steps
from app.transactions import run_transaction

MAX_ITEMS: Final = 8000
"""Of all orders that are written together. Even of the longest, which take 453 bytes each, they are
less than 4 MiB: they fit into one packet, of which MariaDB takes 16 MiB and MySQL 64 by default."""

T = TypeVar("T")


class OrderService:
    """Takes orders in, moves them and reads them.

    Args:
        engine: The database.
        worker_id: Returns the id this process is registered under in `workers`.
        enqueue: Is given the hints of orders that have just become durable.

    """

    def __init__(
        self,
        engine: Engine,
        *,
        worker_id: Callable[[], int],
        enqueue: Callable[[Sequence[Hint]], None],
    ) -> None:
        self._engine = engine
        self._worker_id = worker_id
        self._enqueue = enqueue

    def place(self, drafts: Sequence[Draft]) -> list[Placed | OrderError | DBAPIError]:
        """Write the orders and return, draft by draft, what became of each, a bug included.

        They share one transaction, unless they are too large for one. If one of them cannot be
        written the batch is split, so that it is the only one to fail.
        """
        parts = _parts(drafts)
        return [placed for part in parts for placed in self._place(part, in_doubt=False)]

    def turn(
        self, endings: Sequence[Ending], hints: list[Hint], *, sweep_limit: int, worker_id: int
    ) -> Turn:
        """End attempts and claim the next orders, under one COMMIT.

        The caller holds no claim but those of the endings: a row this worker holds is taken for
        one that an earlier COMMIT, whose answer was lost, has claimed.

        Args:
            endings: What became of earlier claims.
            hints: The orders to claim, as far as they are still PENDING. An empty list is filled
                from the table, so that a repetition claims the same rows.
            sweep_limit: How many to take out of the table, oldest first; 0 for none.
            worker_id: Who claims and ends.

        Raises:
            UnavailableError: Perhaps nothing was written; to be called again with the same lists.

        """

        def work(connection: Connection) -> Turn:
            # What a sweep found, now or in a try that was lost, may be what the endings give back.
            ending = {each.claim.hint.id for each in endings}
            if sweep_limit or any(hint.id in ending for hint in hints):
                return take_turn_by_steps(
                    connection, endings, hints, sweep_limit=sweep_limit, worker_id=worker_id
                )
            return take_turn(connection, endings, hints, worker_id=worker_id)

        turn = run_transaction(self._engine, work)
        log_moves(
            (each.transition, each.claim.hint.order_id)
            for each in endings
            if each not in turn.stale
        )
        log_moves((CLAIM, each.hint.order_id) for each in turn.claims)
        return turn

    def get(self, order_id: str) -> AnyRow:
        """Return the order with this public id.

        Raises:
            OrderNotFoundError: There is none.

        """
        return self._read(partial(queries.by_order_id, order_id=order_id))

    def get_by_id(self, row_id: int) -> AnyRow:
        """Return the order with this database id.

        Raises:
            OrderNotFoundError: There is none.

        """
        return self._read(partial(queries.by_id, row_id=row_id))

    def page(self, selection: Selection, *, limit: int, after: int | None = None) -> Page:
        """Return the selection's next orders.

        Args:
            selection: The list.
            limit: The largest number of orders to return.
            after: `next_after` of the page before; None for the first page.

        """
        return self._read(partial(read_page, selection=selection, limit=limit, after=after))

    def order_ids(self, selection: Selection, *, limit: int) -> list[str]:
        """Return the public ids of the selection's first orders, at most so many."""
        page = self._read(partial(read_page, selection=selection, limit=limit, columns=NAMES))
        return [row.order_id for row in page.rows]

    def metrics(self) -> Metrics:
        """Return the service's totals."""
        return self._read(partial(read_metrics, now=utc_now()))

    def _read(self, work: Callable[[Connection], T]) -> T:
        return run_transaction(self._engine, work, read_only=True)

    def _place(
        self, drafts: Sequence[Draft], *, in_doubt: bool
    ) -> list[Placed | OrderError | DBAPIError]:
        try:
            write = partial(write_orders, drafts=drafts, worker_id=self._worker_id())
            ids = run_transaction(self._engine, write)
        except UnavailableError as error:
            return [OutcomeUnknownError(str(error)) if in_doubt else error] * len(drafts)
        except (IntegrityError, DataError) as error:
            if len(drafts) == 1:
                return [self._explain(drafts[0], error)]
            # A lost COMMIT may be what the batch collides with: from here on nothing is sure.
            middle = len(drafts) // 2
            halves = drafts[:middle], drafts[middle:]
            return [placed for half in halves for placed in self._place(half, in_doubt=True)]
        except DBAPIError as error:  # those that were written before have their orders nevertheless
            return [error] * len(drafts)
        placed = [Placed(row_id, draft) for row_id, draft in zip(ids, drafts, strict=True)]
        # Only now: before the COMMIT the processor would not find the rows.
        self._enqueue([each.hint for each in placed])
        log_moves((PLACE, each.draft.order_id) for each in placed)
        return list(placed)

    def _explain(self, draft: Draft, error: DataError | IntegrityError) -> Placed | OrderError:
        """Say why this one draft was not written: it is there already, or another is."""
        try:
            rows = self._read(partial(queries.colliding, draft=draft))
        except UnavailableError as unavailable:
            return OutcomeUnknownError(str(unavailable))
        for row in rows:
            if queries.is_row_of(row, draft):
                placed = Placed(row.id, draft)
                self._enqueue([placed.hint])
                log_moves([(PLACE, draft.order_id)])
                return placed
        for row in rows:
            if draft.idempotency_hash and row.idempotency_hash == draft.idempotency_hash:
                return _replay(row, draft)
        if rows:
            return OrderExistsError(f"order {draft.order_id!r} exists already")
        if isinstance(error, DataError):
            return OrderRefusedError(f"the database does not take order {draft.order_id!r}")
        return UnavailableError(f"order {draft.order_id!r} collided with one that is gone again")


def _parts(drafts: Sequence[Draft]) -> Iterator[Sequence[Draft]]:
    """Cut the drafts so that no part has more than `MAX_ITEMS` items, but for one large order."""
    begin = items = 0
    for n, draft in enumerate(drafts):
        items += len(draft.item_ids)
        if items > MAX_ITEMS and n > begin:
            yield drafts[begin:n]
            begin, items = n, len(draft.item_ids)
    yield drafts[begin:]


def _replay(row: AnyRow, draft: Draft) -> Placed | OrderError:
    if row.request_hash != draft.request_hash:
        return IdempotencyKeyReusedError(
            f"this idempotency key belongs to order {row.order_id!r}, which has another content"
        )
    first = draft._replace(order_id=row.order_id, created_at=row.created_at)
    return Placed(row.id, first, replayed=True)
