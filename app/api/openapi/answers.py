"""What answers look like: for the document only, no answer is made of these."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from app.api.openapi.examples import shown_as
from app.api.schemas import Identifier
from app.orders.lifecycle import OrderStatus

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]

ORDER_EXAMPLE: Final = {
    "id": 2460,
    "order_id": "A-17",
    "user_id": 1,
    "item_ids": [101, 102, 103],
    "total_amount": 59.99,
    "status": "COMPLETED",
    "attempts": 1,
    "error": None,
    "created_at": "2026-01-02T03:04:05.123456Z",
    "started_at": "2026-01-02T03:04:07.870923Z",
    "processing_started_at": "2026-01-02T03:04:07.870923Z",
    "completed_at": "2026-01-02T03:04:12.882141Z",
    "updated_at": "2026-01-02T03:04:12.882530Z",
    "pending_duration": 2.747467,
    "processing_duration": 5.011218,
    "total_duration": 7.758685,
}


class Order(BaseModel):
    """An order. Durations are seconds: they count up while they run, before that they are null."""

    model_config = shown_as(ORDER_EXAMPLE)

    id: Annotated[int, Field(ge=1, description="Given by the database.")]
    order_id: str
    user_id: Identifier
    item_ids: list[Identifier]
    total_amount: Amount
    status: OrderStatus
    attempts: Annotated[int, Field(ge=0, description="How often its handler was started.")]
    error: Annotated[str | None, Field(description="Why the last attempt failed.")]
    created_at: datetime
    started_at: datetime | None
    processing_started_at: Annotated[datetime | None, Field(description="The same again.")]
    completed_at: Annotated[datetime | None, Field(description="When it reached an end, any.")]
    updated_at: datetime
    pending_duration: Seconds
    processing_duration: Seconds | None
    total_duration: Seconds


class OrderPage(BaseModel):
    """A page of a list. It can have few orders, or none, and still not be the last one."""

    model_config = shown_as(
        {"data": [ORDER_EXAMPLE], "has_more": True, "next_cursor": "AAAAAAAACZxIAEQ4K3QZ0w"}
    )

    data: list[Order]
    has_more: bool
    next_cursor: Annotated[str | None, Field(description="`cursor` of the next page.")]


class PlacedData(BaseModel):
    """The content of an order as it was taken in."""

    user_id: Identifier
    item_ids: list[Identifier]
    total_amount: Amount


class PlacedOrder(BaseModel):
    """An order that has become durable."""

    model_config = shown_as(
        {
            "message": "Order created successfully!",
            "order_id": "A-17",
            "id": 2460,
            "status": "PENDING",
            "data": {"user_id": 1, "item_ids": [101, 102, 103], "total_amount": 59.99},
        }
    )

    message: str
    order_id: str
    id: Annotated[int, Field(ge=1)]
    status: Literal[OrderStatus.PENDING]
    data: PlacedData


class OrderState(BaseModel):
    """Where an order stands."""

    model_config = shown_as({"order_id": "A-17", "status": "COMPLETED"})

    order_id: str
    status: OrderStatus


class Health(BaseModel):
    """A worker that is well."""

    model_config = shown_as({"status": "ok"})

    status: Literal["ok"]
