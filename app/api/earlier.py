"""Requests under the names that the clients of earlier services know."""

from typing import Final

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field

from app.api.documents import headers_of, json_response, metrics_document, order_document
from app.api.drafts import read_draft
from app.api.extension import this_worker
from app.api.openapi.earlier import ListedOrder, OrderMetrics, OrdersMetrics, WrappedOrderId
from app.api.openapi.operation import Answer, operation
from app.api.openapi.parameters import IDEMPOTENCY_KEY
from app.api.openapi.refusals import FINDING, PLACING, READING
from app.api.parameters import read_parameters
from app.api.schemas import NewOrder
from app.orders.errors import UnknownStatusError
from app.orders.lifecycle import OrderStatus, status_named
from app.orders.listing import Selection

MAX_LISTED: Final = 200
MAX_IDS: Final = 1000
_OF_INTEREST: Final = (OrderStatus.PENDING, OrderStatus.PROCESSING, OrderStatus.COMPLETED)
_OF_ORDER: Final = (
    *("order_id", "status", "created_at", "updated_at"),
    *("pending_duration", "processing_duration", "total_duration"),
)
_OF_ALL: Final = (
    *("total_orders", "average_processing_time", "average_processing_time_from_creation"),
)


class IdsWanted(BaseModel):
    """Whether the orders are to be named, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    get_order_ids: bool = Field(
        False, alias="getOrderIds", description=f"also show the order ids, the {MAX_IDS} newest"
    )


blueprint = Blueprint("earlier", __name__)


@blueprint.post("/order/create-order")
@operation(
    body=NewOrder,
    headers=(IDEMPOTENCY_KEY,),
    answers={201: Answer(WrappedOrderId, headers=("Location", "Idempotent-Replayed"))},
    raises=PLACING,
)
def create_order_wrapped() -> Response:
    """Take one order in, and answer with its id alone."""
    placed = this_worker().place(read_draft(request))
    document = {"status": 201, "data": {"order_id": placed.draft.order_id}}
    return json_response(document, 201, headers_of(placed))


@blueprint.get("/order/status/<status>")
@operation(
    answers={200: Answer(list[ListedOrder])},
    raises=(*READING, UnknownStatusError),
)
def list_orders_of_status(status: str) -> Response:
    """Show the orders of a status, the 200 newest."""
    selection = Selection(status=status_named(status))
    page = this_worker().service.page(selection, limit=MAX_LISTED)
    return json_response([order_document(row) | {"items_id": row.item_ids} for row in page.rows])


@blueprint.get("/metrics/<order_id>")
@operation(answers={200: Answer(OrderMetrics)}, raises=FINDING)
def get_order_metrics(order_id: str) -> Response:
    """Show how long an order has taken."""
    order = order_document(this_worker().service.get(order_id))
    ended = order["started_at"] is not None and order["completed_at"] is not None
    took = f"{order['processing_duration']:.2f} seconds" if ended else None
    return json_response({name: order[name] for name in _OF_ORDER} | {"processing_time": took})


@blueprint.get("/orders/metrics")
@operation(query=IdsWanted, answers={200: Answer(OrdersMetrics)}, raises=READING)
def get_orders_metrics() -> Response:
    """Show how many orders stand where, and how long they took."""
    wanted = read_parameters(request, IdsWanted)
    service = this_worker().service
    metrics = service.metrics()
    shown = metrics_document(metrics)
    document = {name: shown[name] for name in _OF_ALL}
    for status in _OF_INTEREST:
        of_status: dict[str, object] = {"count": metrics.counts[status]}
        document[status.lower()] = of_status
        if wanted.get_order_ids:
            of_status["order_ids"] = service.order_ids(Selection(status=status), limit=MAX_IDS)
    return json_response(document)
