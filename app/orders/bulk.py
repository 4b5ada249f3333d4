"""Writing many orders in one transaction, under one idempotency key.

The key is kept in the rows that it wrote: the first has the key's own hash, each other one a hash
of the key and its number. So the orders and their key are written together, and a repetition finds
out what the first request wrote.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError

from app.orders import queries
from app.orders.bulk_outcomes import (
    Outcome,
    Outcomes,
    key_hashes,
    outcome,
    outcomes_of_the_first,
    repeated,
)
from app.orders.errors import (
    BulkRefusedError,
    OrderError,
    OrderRefusedError,
    OutcomeUnknownError,
    UnavailableError,
)
from app.orders.lifecycle import PLACE, Draft, Hint, Placed
from app.orders.moves import log_moves
from app.orders.placing import write_orders
from app.transactions import run_transaction


@dataclass(frozen=True, slots=True)
class Bulk:
    """Orders to be written together."""

    drafts: Sequence[Draft]
    """Each with the request hash of the whole request."""
    all_or_none: bool
    """Whether one that cannot be written keeps the others from being written."""
    key: str | None = None
    """The idempotency key for all of them."""
    chosen_ids: frozenset[str] = frozenset()
    """The order ids that the sender chose; the others were made for this request."""


class BulkPlacing:
    """Takes many orders in at once.

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

    def place(self, bulk: Bulk) -> list[Outcome]:
        """Write the orders and return, draft by draft, what became of each.

        Raises:
            BulkRefusedError: None was written, because some cannot be.
            IdempotencyKeyReusedError: The key belongs to another request.
            OrderRefusedError: The database does not take one of the values.
            UnavailableError: Nothing was written, or it is not known whether.

        """
        outcomes = repeated(bulk.drafts)
        while True:
            refused = {n: each for n, each in outcomes.items() if isinstance(each, OrderError)}
            if bulk.all_or_none and refused:
                first = next(iter(refused.values()))
                raise BulkRefusedError(f"no order was written, because {first}", refused)
            rest = {n: draft for n, draft in enumerate(bulk.drafts) if n not in outcomes}
            if not rest:
                return [outcomes[n] for n in range(len(bulk.drafts))]
            outcomes |= self._write_or_explain(rest, bulk)

    def _write_or_explain(self, drafts: Mapping[int, Draft], bulk: Bulk) -> Outcomes:
        """Write all of the drafts, or else return what became of those that are in the way."""
        keyed = list(drafts.values())
        if bulk.key is not None:
            hashes = key_hashes(bulk.key, len(drafts))
            keyed = [
                draft._replace(idempotency_hash=each)
                for draft, each in zip(keyed, hashes, strict=True)
            ]
        try:
            write = partial(write_orders, drafts=keyed, worker_id=self._worker_id())
            ids = run_transaction(self._engine, write)
        except IntegrityError:
            outcomes = self._explain(drafts, bulk)
            if not outcomes:
                raise UnavailableError("an order collided with one that is gone again") from None
        except DataError:
            raise OrderRefusedError("the database does not take one of the orders") from None
        else:
            outcomes = dict(zip(drafts, map(Placed, ids, keyed), strict=True))
        placed = [each for each in outcomes.values() if isinstance(each, Placed)]
        new = [each for each in placed if not each.replayed]
        log_moves((PLACE, each.draft.order_id) for each in new)
        # Only now: before the COMMIT the processor would not find the rows.
        self._enqueue([each.hint for each in new])
        return outcomes

    def _explain(self, drafts: Mapping[int, Draft], bulk: Bulk) -> Outcomes:
        """Return what became of the drafts that are there already, or stand for one that is."""
        order_ids = [draft.order_id for draft in drafts.values()]
        hashes = [] if bulk.key is None else key_hashes(bulk.key, len(drafts))
        read = partial(queries.rows_of, order_ids=order_ids, idempotency_hashes=hashes)
        try:
            rows = run_transaction(self._engine, read, read_only=True)
        except UnavailableError as error:
            # What they collide with may be themselves, written by a COMMIT whose answer was lost.
            raise OutcomeUnknownError(str(error)) from error
        by_hash = {row.idempotency_hash: row for row in rows}
        written = [by_hash.get(each) for each in hashes]
        if any(written):
            return outcomes_of_the_first(drafts, written, bulk.chosen_ids)
        by_order_id = {row.order_id: row for row in rows}
        return {
            n: outcome(by_order_id[draft.order_id], draft)
            for n, draft in drafts.items()
            if draft.order_id in by_order_id
        }
