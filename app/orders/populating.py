"""Filling the table with made-up orders, to try the service out."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import uuid_utils

from app.clock import utc_now
from app.orders.bulk import Bulk
from app.orders.bulk_outcomes import Outcome
from app.orders.errors import UnavailableError
from app.orders.lifecycle import Draft, Placed

ORDERS_PER_COMMIT: Final = 1000
_USERS: Final = 1000
_ITEMS: Final = range(1, 501)
_DEAREST_CENTS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Population:
    """How far a batch has come."""

    first_order_id: str
    written: int
    """How many of its orders are in the table."""
    replayed: bool
    """Whether earlier requests with the same idempotency key wrote all of them."""
    error: str | None = None
    """Why the others are not; None if there are no others."""


def populate(
    place: Callable[[Bulk], Sequence[Outcome]],
    entries: int,
    *,
    request_hash: bytes,
    key: str | None = None,
) -> Population:
    """Write made-up orders, some at a time; with the key of a batch that broke off, what it lacks.

    Args:
        place: Writes orders.
        entries: How many orders the batch has, at least 1.
        request_hash: SHA-256 of the request.
        key: The batch's idempotency key.

    Raises:
        OrderError: None was written, or it is not known whether.

    """
    so_far = _place_part(place, min(entries, ORDERS_PER_COMMIT), request_hash, key)
    while so_far.written < entries:
        count = min(entries - so_far.written, ORDERS_PER_COMMIT)
        part_key = f"{key} from {so_far.written}" if key else None  # no key has a space
        try:
            part = _place_part(place, count, request_hash, part_key)
        except UnavailableError as error:
            return replace(so_far, error=str(error))
        so_far = replace(
            so_far,
            written=so_far.written + part.written,
            replayed=so_far.replayed and part.replayed,
        )
    return so_far


def _place_part(
    place: Callable[[Bulk], Sequence[Outcome]], count: int, request_hash: bytes, key: str | None
) -> Population:
    drafts = [_made_up(request_hash) for _ in range(count)]
    outcomes = place(Bulk(drafts, all_or_none=True, key=key))
    placed = [each for each in outcomes if isinstance(each, Placed)]
    return Population(
        first_order_id=placed[0].draft.order_id,
        written=len(placed),
        replayed=all(each.replayed for each in placed),
    )


def _made_up(request_hash: bytes) -> Draft:
    return Draft(
        order_id=str(uuid_utils.uuid7()),
        user_id=str(random.randint(1, _USERS)),
        item_ids=[*random.sample(_ITEMS, random.randint(1, 5))],
        total_amount=Decimal(random.randint(1, _DEAREST_CENTS)).scaleb(-2),
        created_at=utc_now(),
        request_hash=request_hash,
    )
