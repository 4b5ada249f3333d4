"""Values of the domain for tests: a default for each part that a test does not care about."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any

from app.clock import utc_now
from app.orders.lifecycle import COMPLETE, Claim, Draft, Ending, Hint, Transition
from app.orders.workers import ProcessIdentity

ODD_TEXT = "naïve 漢字 \U0001f600 \"quoted\" \\ 'single' \n\t; DROP TABLE orders; -- %s :x \u2028"
"""What a driver, a character set or a careless statement could stumble over."""

_numbers = count(1)


def draft(
    order_id: str | None = None,
    *,
    user_id: str = "1",
    item_ids: Sequence[int | str] = (1, 2),
    total_amount: str = "59.99",
    key: str | None = None,
    created_at: datetime | None = None,
) -> Draft:
    """Return a draft; drafts of the same content have the same request hash."""
    content = repr((user_id, list(item_ids), total_amount))
    return Draft(
        order_id=order_id or f"order-{next(_numbers)}",
        user_id=user_id,
        item_ids=list(item_ids),
        total_amount=Decimal(total_amount),
        created_at=created_at or utc_now(),
        request_hash=hashlib.sha256(content.encode()).digest(),
        idempotency_hash=hashlib.sha256(key.encode()).digest() if key else None,
    )


def hint(row_id: int = 1, *, fence: int = 0, attempts: int = 0, solo: bool = False) -> Hint:
    """Return a hint at an order that was created just now."""
    return Hint(
        id=row_id,
        order_id=f"order-{row_id}",
        user_id="1",
        item_ids=[1, 2],
        total_amount=Decimal("59.99"),
        created_at=utc_now(),
        fence=fence,
        attempts=attempts,
        solo=solo,
    )


def claim(row_id: int = 1, *, attempt: int = 1) -> Claim:
    """Return a claim for this attempt, all before it having been ended by a retry."""
    return Claim(hint(row_id, fence=2 * (attempt - 1), attempts=attempt - 1))


def ending(held: Claim, transition: Transition = COMPLETE, **parts: Any) -> Ending:
    """Return the ending of an attempt that began and ended just now."""
    now = utc_now()
    return Ending(held, transition, **{"started_at": now, "ended_at": now} | parts)


def identity(
    *, host: str = "here", boot_id: str = "boot", pid: int = 1, pid_started: int = 1
) -> ProcessIdentity:
    """Return the identity of a process outside uWSGI."""
    return ProcessIdentity(
        host=host,
        boot_id=boot_id,
        pid=pid,
        pid_started=pid_started,
        master_pid=1,
        slot=0,
        version="test",
    )


class ForwardingError(Exception):
    """Takes every unknown attribute for a member of its data, as some libraries' errors do."""

    def __getattr__(self, name: str) -> object:
        return {"code": 5}[name]  # a KeyError, where an AttributeError is expected
