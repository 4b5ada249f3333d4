"""What is done with an order: the simulated work, or the function `ORDER_HANDLER` names."""

import importlib
import random
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NamedTuple

from app.errors import ConfigurationError
from app.orders.identifiers import shown
from app.orders.lifecycle import Claim

MAX_BACKOFF_SECONDS: Final = 900


class Order(NamedTuple):
    """An order as its handler gets it.

    A handler can be called again for the same order, after a crash or an error. Whatever it does
    outside the database should carry `order_id` as its idempotency key.
    """

    id: int
    order_id: str
    user_id: int | str
    item_ids: list[int | str]
    total_amount: Decimal
    attempt: int
    """Which attempt this is, from 1."""


Handler = Callable[[Order], object]


class PermanentError(Exception):
    """Raised by a handler: trying this order again is useless, it is `FAILED` at once."""


def order_of(claim: Claim) -> Order:
    """Return what the handler is given for this claim."""
    hint = claim.hint
    return Order(
        id=hint.id,
        order_id=hint.order_id,
        user_id=shown(hint.user_id),
        item_ids=list(hint.item_ids),  # the request may still be writing its answer from the hint's
        total_amount=hint.total_amount,
        attempt=claim.attempt,
    )


def load_handler(path: str, processing_seconds: tuple[float, float]) -> Handler:
    """Return the function at `package.module:function`, or the simulated work for an empty path.

    Raises:
        ConfigurationError: The module cannot be imported, or has nothing to call of that name.

    """
    if not path:
        return simulated_work(*processing_seconds)
    module_name, _, attribute = path.partition(":")
    try:
        handler = getattr(importlib.import_module(module_name), attribute, None)
    except Exception as error:  # a module can raise anything while it is imported
        reason = f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"ORDER_HANDLER: importing {module_name!r}: {reason}") from error
    if not callable(handler):
        raise ConfigurationError(f"ORDER_HANDLER: {module_name!r} has no function {attribute!r}")
    return handler  # type: ignore[no-any-return]  # the user's own; it is called with an Order


def simulated_work(shortest_seconds: float, longest_seconds: float) -> Handler:
    """Return a handler that takes a random time between the two and does nothing else."""

    def work(_order: Order) -> None:
        if longest_seconds:
            time.sleep(random.uniform(shortest_seconds, longest_seconds))

    return work


def backoff_seconds(attempt: int, base_seconds: float) -> float:
    """Return how long to wait before the attempt after this one: exponential, with full jitter.

    Source: Marc Brooker, Exponential Backoff And Jitter (AWS Architecture Blog, 2015).
    """
    return random.uniform(0, min(MAX_BACKOFF_SECONDS, base_seconds * 2 ** min(attempt - 1, 30)))
