"""What a request body must be."""

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictInt,
    StrictStr,
)
from pydantic_core import CoreSchema, PydanticCustomError

from app.orders.identifiers import LARGEST_INTEGER, ORDER_ID_PATTERN

MAX_ITEMS: Final = 1000
MAX_AMOUNT: Final = Decimal("9999999999.99")
_CENT: Final = Decimal("0.01")
RESERVED_ORDER_IDS: Final = frozenset({"bulk", "metrics", "populate"})
"""Routes of their own: an order of this name could not be reached."""
PATH_STEPS: Final = frozenset({".", ".."})
"""What no path ends with: clients and proxies take it for "here" and "one up"."""
_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?")
_PART: Final = r" *[^ ,\x00]([^,\x00]{0,62}[^ ,\x00])? *"
"""One of the identifiers in a string of them."""


class _OneMessage:
    """Reports a union as one error; pydantic would report one for each of its branches."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        schema = handler(source)
        schema["custom_error_type"] = "identifier"  # type: ignore[index]  # a union schema
        schema["custom_error_message"] = (  # type: ignore[index]  # a union schema
            "should be an integer from 1 to 2^63-1 or a string of 1 to 64 characters without NUL"
        )
        return schema


Identifier = Annotated[
    Annotated[StrictInt, Field(ge=1, le=LARGEST_INTEGER)]
    | Annotated[StrictStr, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")],
    _OneMessage(),
]


def _split(value: object) -> object:
    """Take a plain string as a comma-separated list."""
    return [part.strip(" ") for part in value.split(",")] if isinstance(value, str) else value


def _amount(value: object) -> object:
    """Read an amount exactly, from a JSON number or from a string that looks like one."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise PydanticCustomError("amount", "should be a number, or a string that holds one")
    if not _AMOUNT.fullmatch(str(value)):
        raise PydanticCustomError(
            "amount", "should be between 0 and 9999999999.99, with at most two decimals"
        )
    return Decimal(value).quantize(_CENT)  # as the table gives it back, for each attempt the same


def _not_reserved(value: str) -> str:
    if value in RESERVED_ORDER_IDS:
        raise PydanticCustomError("reserved", "should not be a word that is a route")
    if value in PATH_STEPS:
        raise PydanticCustomError("unreachable", "should not be a step of a path")
    return value


OrderId = Annotated[
    StrictStr,
    Field(
        pattern=ORDER_ID_PATTERN,
        json_schema_extra={"not": {"enum": sorted(RESERVED_ORDER_IDS | PATH_STEPS)}},
    ),
    AfterValidator(_not_reserved),
]
ItemIds = Annotated[list[Identifier], Field(min_length=1, max_length=MAX_ITEMS)]
_CommaSeparated = Annotated[
    str,
    Field(
        pattern=f"^{_PART}(,{_PART})*$",
        description=f"A comma-separated list of strings, {MAX_ITEMS} at most.",
    ),
]
_NumberOrText = (
    Annotated[float, Field(ge=0, le=float(MAX_AMOUNT), multiple_of=0.01)]
    | Annotated[str, Field(pattern=f"^{_AMOUNT.pattern}$")]
)


class NewOrder(BaseModel):
    """An order as its sender describes it."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [{"user_id": 1, "item_ids": [101, 102, 103], "total_amount": 59.99}]
        },
    )

    user_id: Identifier
    item_ids: Annotated[
        ItemIds, BeforeValidator(_split, json_schema_input_type=ItemIds | _CommaSeparated)
    ]
    total_amount: Annotated[Decimal, BeforeValidator(_amount, json_schema_input_type=_NumberOrText)]
    order_id: OrderId | None = None
