"""Parameters in paths and headers, and the headers of answers: each described once."""

from collections.abc import Mapping
from typing import Any, Final

from app.orders.identifiers import LARGEST_INTEGER, ORDER_ID_PATTERN
from app.orders.lifecycle import OrderStatus

Parameter = Mapping[str, Any]
"""A Parameter Object, or a Header Object, which is one without a name and a place."""

IDEMPOTENCY_KEY: Final[Parameter] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": (
        "Such as `checkout-17`: sent again with the same key, a request places no second order."
    ),
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}
REQUEST_ID: Final[Parameter] = {
    "name": "X-Request-Id",
    "in": "header",
    "description": (
        "Names the request in the answer and in the log. One that is not 1 to 128 visible ASCII"
        " characters is replaced."
    ),
    "schema": {"type": "string"},
}

IF_NONE_MATCH: Final[Parameter] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of an answer before: 304 if the order is still in that state.",
    "schema": {"type": "string"},
}
REQUEST_HEADERS: Final = (IDEMPOTENCY_KEY, IF_NONE_MATCH, REQUEST_ID)

PATH_PARAMETERS: Final[Mapping[str, Parameter]] = {
    "order_id": {
        "description": "The order's public id.",
        "schema": {"type": "string", "pattern": ORDER_ID_PATTERN},
        "example": "A-17",
    },
    "status": {
        "description": "A status, in any case.",
        "schema": {"type": "string", "enum": [each.lower() for each in OrderStatus]},
        "example": "completed",
    },
    "row_id": {
        "description": "The number that the database gave the order.",
        "schema": {"type": "integer", "minimum": 1, "maximum": LARGEST_INTEGER},
        "example": 2460,
    },
}
"""By the names they have in the routes."""

RESPONSE_HEADERS: Final[Mapping[str, Parameter]] = {
    "X-Request-Id": {
        "description": "The request's id: its own, or one made for it.",
        "required": True,
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": "The rate limit, where there is one: the quota and its window in seconds.",
        "schema": {"type": "string"},
        "example": '"default";q=100;w=1',
    },
    "RateLimit": {
        "description": "What is left of it: requests, and the seconds until there are more.",
        "schema": {"type": "string"},
        "example": '"default";r=99;t=1',
    },
    "Location": {
        "description": "Where the order is shown.",
        "required": True,
        "schema": {"type": "string"},
        "example": "/orders/A-17",
    },
    "Idempotent-Replayed": {
        "description": "Present when the idempotency key had placed the order before.",
        "schema": {"type": "string", "const": "true"},
    },
    "ETag": {
        "description": "The order's state; weak, because durations count up meanwhile.",
        "required": True,
        "schema": {"type": "string"},
        "example": 'W/"2460-2"',
    },
    "Link": {
        "description": "Where the next page is, if there is one.",
        "schema": {"type": "string"},
        "example": '</orders?limit=50&cursor=AAAAAAAACZxIAEQ4K3QZ0w>; rel="next"',
    },
    "Retry-After": {
        "description": "Seconds after which to repeat the request.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    },
    "WWW-Authenticate": {
        "description": "How to come with a key.",
        "required": True,
        "schema": {"type": "string"},
    },
}

EVERYWHERE: Final = ("X-Request-Id", "RateLimit-Policy", "RateLimit")
"""The headers that every answer may have."""

SECURITY_SCHEMES: Final[Mapping[str, Mapping[str, Any]]] = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}
"""How an API key is sent: any one of these."""
