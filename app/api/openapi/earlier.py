"""What is answered to requests under earlier names: for the document only."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.api.openapi.answers import ORDER_EXAMPLE, Count, Order, Seconds
from app.api.openapi.examples import shown_as
from app.api.schemas import Identifier
from app.orders.lifecycle import OrderStatus


class OrderId(BaseModel):
    """How to ask for the order."""

    order_id: str


class WrappedOrderId(BaseModel):
    """An order that has become durable."""

    model_config = shown_as({"status": 201, "data": {"order_id": "A-17"}})

    status: Literal[201]
    data: OrderId


class ListedOrder(Order):
    """An order, its items under two names."""

    model_config = shown_as(ORDER_EXAMPLE | {"items_id": ORDER_EXAMPLE["item_ids"]})

    items_id: list[Identifier]


class OrderMetrics(BaseModel):
    """How long an order has taken; durations are seconds and count up while they run."""

    model_config = shown_as(
        {
            "order_id": "A-17",
            "status": "COMPLETED",
            "created_at": "2026-01-02T03:04:05.123456Z",
            "updated_at": "2026-01-02T03:04:12.882530Z",
            "pending_duration": 2.747467,
            "processing_duration": 5.011218,
            "total_duration": 7.758685,
            "processing_time": "5.01 seconds",
        }
    )

    order_id: str
    status: OrderStatus
    created_at: datetime
    updated_at: datetime
    pending_duration: Seconds
    processing_duration: Seconds | None
    total_duration: Seconds
    processing_time: Annotated[
        str | None, Field(description="Null until the order was worked on to its end.")
    ]


class OrdersOfStatus(BaseModel):
    """The orders of a status."""

    count: Count
    order_ids: Annotated[list[str], Field(description="The newest, only when asked for.")] = []


class OrdersMetrics(BaseModel):
    """How many orders stand where, and how long they took; times are seconds."""

    model_config = shown_as(
        {
            "total_orders": 2,
            "average_processing_time": 0.9399345,
            "average_processing_time_from_creation": 0.9444345,
            "pending": {"count": 0, "order_ids": []},
            "processing": {"count": 0, "order_ids": []},
            "completed": {"count": 2, "order_ids": ["A-17", "A-16"]},
        }
    )

    total_orders: Count
    average_processing_time: Seconds
    average_processing_time_from_creation: Seconds
    pending: OrdersOfStatus
    processing: OrdersOfStatus
    completed: OrdersOfStatus
