"""What a request for many orders must be."""

import hashlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

from flask import Request
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from app.api.drafts import draft_of, idempotency_key, read_bytes
from app.api.problems import BadRequestError, invalid_order
from app.api.schemas import NewOrder
from app.api.strict_json import read_object
from app.orders.bulk import Bulk

MAX_ORDERS: Final = 1000
MAX_ENTRIES: Final = 100_000


class OnError(StrEnum):
    """What to do with the other orders if one cannot be written."""

    REJECT_ALL = "reject_all"
    SKIP_INVALID = "skip_invalid"


class BulkOrders(BaseModel):
    """Orders to be taken in together."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "orders": [
                        {"user_id": 1, "item_ids": [101, 102], "total_amount": 59.99},
                        {"user_id": 2, "item_ids": [103], "total_amount": 5},
                    ],
                    "on_error": "reject_all",
                }
            ]
        },
    )

    orders: Annotated[list[NewOrder], Field(min_length=1, max_length=MAX_ORDERS)]
    on_error: Annotated[
        OnError, Field(description="Write all orders or none, or those that can be.")
    ] = OnError.REJECT_ALL


class _UnreadOrders(BulkOrders):
    """The same before anybody has looked at the orders."""

    orders: Annotated[list[Any], Field(min_length=1, max_length=MAX_ORDERS)]


class Populate(BaseModel):
    """How many made-up orders to write."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"total_entries": 4}]}
    )

    total_entries: Annotated[StrictInt, Field(ge=1, le=MAX_ENTRIES)]
    batch_id: Annotated[
        StrictStr | None,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[^\x00]+$",
            description="Comes back in the answer; by default the id of the first order.",
        ),
    ] = None


def read_bulk(request: Request) -> tuple[Bulk, Sequence[NewOrder | BadRequestError]]:
    """Return the orders to write, and for each item of the body its order or what is wrong with it.

    Raises:
        UnsupportedMediaType: The body is not said to be JSON.
        MalformedBodyError: It is not the JSON object it should be.
        ValidationError: A member is not what it should be, or an order that rejects all.
        BadRequestError: The idempotency key cannot be one.

    """
    key, sent = idempotency_key(request), read_bytes(request)
    body, request_hash = read_object(sent), hashlib.sha256(sent).digest()
    unread = _UnreadOrders.model_validate(body)
    all_or_none = unread.on_error is OnError.REJECT_ALL
    items: Sequence[NewOrder | BadRequestError]
    if all_or_none:
        items = BulkOrders.model_validate(body).orders
    else:
        items = [_read(item, n) for n, item in enumerate(unread.orders)]
    orders = [each for each in items if isinstance(each, NewOrder)]
    bulk = Bulk(
        drafts=[draft_of(order, request_hash=request_hash) for order in orders],
        all_or_none=all_or_none,
        key=key,
        chosen_ids=frozenset(order.order_id for order in orders if order.order_id),
    )
    return bulk, items


def _read(item: object, n: int) -> NewOrder | BadRequestError:
    try:
        return NewOrder.model_validate(item)
    except ValidationError as error:
        return invalid_order(error, "orders", n)
