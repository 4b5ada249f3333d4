"""What became of each order of a bulk, by what is in the table."""

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence

from app.database import AnyRow
from app.orders import queries
from app.orders.errors import IdempotencyKeyReusedError, OrderError, OrderExistsError
from app.orders.lifecycle import Draft, Placed

Outcome = Placed | OrderError
Outcomes = dict[int, Outcome]
"""What became of drafts, by their number in the bulk."""


def repeated(drafts: Sequence[Draft]) -> Outcomes:
    """Return errors for the drafts whose order id one before them has."""
    seen: set[str] = set()
    outcomes: Outcomes = {}
    for n, draft in enumerate(drafts):
        if draft.order_id in seen:
            outcomes[n] = OrderExistsError(f"order {draft.order_id!r} is in this request twice")
        seen.add(draft.order_id)
    return outcomes


def key_hashes(key: str, count: int) -> list[bytes]:
    """Return as many hashes of the key; the first is the one that a single order would have."""
    texts = (key if n == 0 else f"{key} {n}" for n in range(count))  # no key has a space
    return [hashlib.sha256(text.encode()).digest() for text in texts]


def outcome(row: AnyRow, draft: Draft) -> Outcome:
    """Return what became of a draft whose order id this row has."""
    if queries.is_row_of(row, draft):
        return Placed(row.id, draft)
    return OrderExistsError(f"order {draft.order_id!r} exists already")


def outcomes_of_the_first(
    drafts: Mapping[int, Draft], written: Sequence[AnyRow | None], chosen_ids: frozenset[str]
) -> Outcomes:
    """Return what became of the drafts when their key was first used.

    Args:
        drafts: Those of the repetition, at least one.
        written: The rows by the numbers of their hashes; None where there is no row, or no more.
        chosen_ids: The order ids that the sender chose.

    Raises:
        IdempotencyKeyReusedError: It was used for something else, or for orders of which some have
            been pruned since.

    """
    rows = deque(row for row in written if row)
    request_hash = next(iter(drafts.values())).request_hash
    if any(row.request_hash != request_hash for row in rows):
        raise IdempotencyKeyReusedError("this idempotency key belongs to another request")
    if not all(written[: len(rows)]):
        raise _pruned()
    outcomes: Outcomes = {}
    for n, draft in drafts.items():
        chosen = draft.order_id in chosen_ids
        if rows and (not chosen or draft.order_id == rows[0].order_id):
            row = rows.popleft()
            first = draft._replace(order_id=row.order_id, created_at=row.created_at)
            outcomes[n] = Placed(row.id, first, replayed=not queries.is_row_of(row, draft))
        elif chosen:
            outcomes[n] = OrderExistsError(f"order {draft.order_id!r} exists already")
        else:
            raise _pruned()
    return outcomes


def _pruned() -> IdempotencyKeyReusedError:
    return IdempotencyKeyReusedError(
        "this idempotency key belongs to orders of which some have been pruned since"
    )
