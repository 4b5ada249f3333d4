"""The states of an order and the transitions between them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from app.orders.errors import UnknownStatusError

FOREVER_DUE: Final = datetime(2000, 1, 1)  # noqa: DTZ001 -- the tables hold naive UTC
"""`available_at` of a fresh order: long past, so that a clock that jumps back hides nothing."""


class OrderStatus(StrEnum):
    """Where an order stands."""

    PENDING = "PENDING"
    """Durable, waiting for a worker, perhaps not before `available_at`."""
    PROCESSING = "PROCESSING"
    """Claimed by the worker `owner_id`; its handler runs or is about to."""
    COMPLETED = "COMPLETED"
    """An end: the handler returned."""
    FAILED = "FAILED"
    """An end: the attempts are used up, or the handler said that trying again is useless."""
    CANCELLED = "CANCELLED"
    """An end: taken back before a worker claimed it."""


ENDS: Final = (OrderStatus.COMPLETED, OrderStatus.FAILED, OrderStatus.CANCELLED)


def status_named(name: str) -> OrderStatus:
    """Return the status of this name, in any case.

    Raises:
        UnknownStatusError: There is none.

    """
    status = OrderStatus.__members__.get(name.upper())
    if status is None:
        raise UnknownStatusError(f"a status is one of {', '.join(OrderStatus)}, not {name!r}")
    return status


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow of the state picture; `source` None stands for "not there yet"."""

    name: str
    source: OrderStatus | None
    target: OrderStatus


PLACE: Final = Transition("place", None, OrderStatus.PENDING)
CLAIM: Final = Transition("claim", OrderStatus.PENDING, OrderStatus.PROCESSING)
COMPLETE: Final = Transition("complete", OrderStatus.PROCESSING, OrderStatus.COMPLETED)
FAIL: Final = Transition("fail", OrderStatus.PROCESSING, OrderStatus.FAILED)
RETRY_LATER: Final = Transition("retry_later", OrderStatus.PROCESSING, OrderStatus.PENDING)
RELEASE: Final = Transition("release", OrderStatus.PROCESSING, OrderStatus.PENDING)
ADOPT: Final = Transition("adopt", OrderStatus.PROCESSING, OrderStatus.PENDING)
CANCEL: Final = Transition("cancel", OrderStatus.PENDING, OrderStatus.CANCELLED)
REOPEN_FAILED: Final = Transition("reopen_failed", OrderStatus.FAILED, OrderStatus.PENDING)
REOPEN_CANCELLED: Final = Transition("reopen_cancelled", OrderStatus.CANCELLED, OrderStatus.PENDING)

TRANSITIONS: Final = (
    PLACE,
    CLAIM,
    COMPLETE,
    FAIL,
    RETRY_LATER,
    RELEASE,
    ADOPT,
    CANCEL,
    REOPEN_FAILED,
    REOPEN_CANCELLED,
)


def status_counts(moved: Mapping[str, int]) -> dict[OrderStatus, int]:
    """Return how many orders stand in each status, from how often each transition happened.

    Args:
        moved: Rows moved so far, by the transition's name; one that is missing never happened.

    """
    counts = dict.fromkeys(OrderStatus, 0)
    for transition in TRANSITIONS:
        rows = moved.get(transition.name, 0)
        counts[transition.target] += rows
        if transition.source is not None:
            counts[transition.source] -= rows
    return counts


# A tuple is made in a third of the time of a frozen dataclass, and each order makes five of these.
class Draft(NamedTuple):
    """A valid order that is not in the table yet."""

    order_id: str
    user_id: str
    item_ids: list[int | str]
    total_amount: Decimal
    created_at: datetime
    request_hash: bytes
    """SHA-256 of what was asked for (32 bytes); tells a repeat from another request."""
    idempotency_hash: bytes | None = None
    """SHA-256 of the idempotency key (32 bytes); None when the client sent none."""


class Hint(NamedTuple):
    """A PENDING order as it was last seen: enough to claim it and to work on it unread."""

    id: int
    order_id: str
    user_id: str
    item_ids: list[int | str]
    total_amount: Decimal
    created_at: datetime
    fence: int = 0
    attempts: int = 0
    solo: bool = False
    """To be worked on alone: it was in the hands of a worker that died."""


class Claim(NamedTuple):
    """The right to end one attempt at an order, valid while the row's fence is `fence`."""

    hint: Hint

    @property
    def fence(self) -> int:
        """The row's fence from the claim until the ending."""
        return self.hint.fence + 1

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1."""
        return self.hint.attempts + 1


class Ending(NamedTuple):
    """How one attempt ended: the transition out of PROCESSING, and its own times."""

    claim: Claim
    transition: Transition
    started_at: datetime | None = None
    """None if the attempt was never begun."""
    ended_at: datetime | None = None
    """None if the attempt was never begun."""
    available_at: datetime = FOREVER_DUE
    error: str | None = None
    """One sentence, at most 500 characters."""


class Placed(NamedTuple):
    """An order that is durable."""

    id: int
    draft: Draft
    replayed: bool = False
    """True if an earlier request with the same idempotency key wrote it."""

    @property
    def hint(self) -> Hint:
        """What the processor needs to claim it."""
        draft = self.draft
        return Hint(
            id=self.id,
            order_id=draft.order_id,
            user_id=draft.user_id,
            item_ids=draft.item_ids,
            total_amount=draft.total_amount,
            created_at=draft.created_at,
        )
