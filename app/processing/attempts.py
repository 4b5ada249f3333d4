"""One attempt at an order: its handler runs, and what it did becomes an ending."""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from traceback import TracebackException
from typing import Final

from app.clock import utc_now
from app.orders.lifecycle import COMPLETE, FAIL, FOREVER_DUE, RETRY_LATER, Claim, Ending, Transition
from app.processing.handlers import Handler, PermanentError, backoff_seconds, order_of

MAX_ERROR_LENGTH: Final = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What becomes of an order whose handler raised."""

    max_attempts: int
    base_seconds: float
    """The longest backoff before the second attempt; it doubles with each."""


def attempt(claim: Claim, handler: Handler, policy: RetryPolicy) -> Ending:
    """Run the handler and return the ending; whatever it raises is part of that."""
    started_at = max(utc_now(), claim.hint.created_at)  # the clock may have jumped back
    begun = time.monotonic()
    transition, available_at, message = COMPLETE, FOREVER_DUE, None
    try:
        handler(order_of(claim))
    except BaseException as error:  # nothing a handler raises may stop the thread
        message = _sentence(error)
        transition = _after(error, claim, policy)
        if transition is RETRY_LATER:
            delay = backoff_seconds(claim.attempt, policy.base_seconds)
            available_at = utc_now() + timedelta(seconds=delay)
        log.warning(
            "order %s: attempt %d raised, %s",
            claim.hint.order_id,
            claim.attempt,
            transition.name,
            exc_info=error,
        )
    return Ending(
        claim=claim,
        transition=transition,
        started_at=started_at,
        ended_at=started_at + timedelta(seconds=time.monotonic() - begun),
        available_at=available_at,
        error=message,
    )


def _after(error: BaseException, claim: Claim, policy: RetryPolicy) -> Transition:
    if isinstance(error, PermanentError) or claim.attempt >= policy.max_attempts:
        return FAIL
    return RETRY_LATER


def _sentence(error: BaseException) -> str:
    """Return what was raised in characters that every database takes."""
    try:
        text = str(TracebackException(type(error), error, None))  # also of one whose `str` raises
    except BaseException:  # noqa: BLE001 -- its `__getattr__` can raise anything
        text = "it cannot be shown"
    sentence = f"{type(error).__name__}: {text}".replace("\0", "")
    return sentence.encode("utf-8", "replace").decode()[:MAX_ERROR_LENGTH]
