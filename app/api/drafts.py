"""From a request to a draft of an order."""

import hashlib
import re
from typing import Final

import orjson
import uuid_utils
from flask import Request
from werkzeug.exceptions import UnsupportedMediaType

from app.api.problems import BadRequestError
from app.api.schemas import NewOrder
from app.api.strict_json import MalformedBodyError, read_object
from app.clock import utc_now
from app.orders.lifecycle import Draft

_VISIBLE_ASCII: Final = re.compile(r"[\x21-\x7e]{1,255}")


def read_draft(request: Request) -> Draft:
    """Return the order that the request's body describes, ready to be written.

    Raises:
        UnsupportedMediaType: The body is not said to be JSON.
        MalformedBodyError: It is not the JSON object it should be.
        ValidationError: A member is not what it should be.
        BadRequestError: The idempotency key cannot be one.

    """
    key = idempotency_key(request)
    return parse_draft(read_bytes(request), key)


def parse_draft(body: bytes, key: str | None) -> Draft:
    """Return the order that a body describes, ready to be written.

    Args:
        body: What was sent as JSON.
        key: The idempotency key; None if there is none.

    Raises:
        MalformedBodyError: The body is not the JSON object it should be.
        ValidationError: A member is not what it should be.

    """
    order = NewOrder.model_validate(read_object(body))
    idempotency_hash = hashlib.sha256(key.encode()).digest() if key else None
    return draft_of(order, request_hash=content_hash(order), idempotency_hash=idempotency_hash)


def read_bytes(request: Request) -> bytes:
    """Return the request's body as it was sent, once.

    Raises:
        UnsupportedMediaType: The body is not said to be JSON.
        MalformedBodyError: It comes in chunks, which uWSGI does not put together.

    """
    if not request.is_json:
        raise UnsupportedMediaType("the Content-Type should be application/json")
    if "Transfer-Encoding" in request.headers:
        raise MalformedBodyError("should come with a Content-Length, not in chunks")
    return request.get_data(cache=False)


def idempotency_key(request: Request) -> str | None:
    """Return the request's idempotency key; None if it has none.

    Raises:
        BadRequestError: It is not 1 to 255 visible ASCII characters.

    """
    return checked_key(request.headers.get("Idempotency-Key"))


def checked_key(key: str | None) -> str | None:
    """Return this idempotency key.

    Raises:
        BadRequestError: It is not 1 to 255 visible ASCII characters.

    """
    if key is not None and not _VISIBLE_ASCII.fullmatch(key):
        raise BadRequestError(
            "invalid_idempotency_key", "Idempotency-Key should be 1 to 255 visible ASCII characters"
        )
    return key


def content_hash(order: NewOrder) -> bytes:
    """Return the SHA-256 of what a request for this order asks for, however it is written."""
    asked = [str(order.user_id), order.item_ids, f"{order.total_amount:.2f}", order.order_id]
    return hashlib.sha256(orjson.dumps(asked)).digest()


def draft_of(
    order: NewOrder, *, request_hash: bytes, idempotency_hash: bytes | None = None
) -> Draft:
    """Return the order as it is to be written, with an id of its own if its sender chose none."""
    return Draft(
        order_id=order.order_id or str(uuid_utils.uuid7()),
        user_id=str(order.user_id),
        item_ids=order.item_ids,
        total_amount=order.total_amount,
        created_at=utc_now(),
        request_hash=request_hash,
        idempotency_hash=idempotency_hash,
    )
