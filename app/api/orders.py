"""Orders over HTTP: taking them in, showing them."""

from flask import Blueprint, Response, request

from app.api.documents import created, json_response, order_document
from app.api.drafts import read_draft
from app.api.extension import this_worker
from app.api.openapi.answers import Order, OrderState, PlacedOrder
from app.api.openapi.links import TO_THE_ORDER
from app.api.openapi.operation import Answer, operation
from app.api.openapi.parameters import IDEMPOTENCY_KEY
from app.api.openapi.refusals import FINDING, MOVING, PLACING
from app.api.schemas import NewOrder

blueprint = Blueprint("orders", __name__)


@blueprint.post("/create_order")
@blueprint.post("/orders", strict_slashes=False)
@operation(
    body=NewOrder,
    headers=(IDEMPOTENCY_KEY,),
    answers={
        201: Answer(PlacedOrder, headers=("Location", "Idempotent-Replayed"), links=TO_THE_ORDER)
    },
    raises=PLACING,
)
def create_order() -> Response:
    """Take one order in: 201 once it is durable."""
    return created(this_worker().place(read_draft(request)))


@blueprint.get("/get_order/<int:row_id>")
@operation(answers={200: Answer(Order)}, raises=FINDING)
def get_order_by_id(row_id: int) -> Response:
    """Show the order with this database id."""
    return json_response(order_document(this_worker().service.get_by_id(row_id)))


@blueprint.get("/orders/<order_id>")
@operation(answers={200: Answer(Order)}, raises=FINDING)
def get_order(order_id: str) -> Response:
    """Show the order with this public id."""
    return json_response(order_document(this_worker().service.get(order_id)))


@blueprint.post("/orders/<order_id>/cancel")
@operation(answers={200: Answer(Order)}, raises=MOVING)
def cancel_order(order_id: str) -> Response:
    """Take an order back that no worker has claimed yet."""
    return json_response(order_document(this_worker().manual.cancel(order_id)))


@blueprint.post("/orders/<order_id>/retry")
@operation(answers={200: Answer(Order)}, raises=MOVING)
def retry_order(order_id: str) -> Response:
    """Send an order round again that has failed or was cancelled."""
    return json_response(order_document(this_worker().manual.retry(order_id)))


@blueprint.get("/orders/<order_id>/status")
@operation(answers={200: Answer(OrderState)}, raises=FINDING)
def get_order_status(order_id: str) -> Response:
    """Show where the order stands."""
    row = this_worker().service.get(order_id)
    return json_response({"order_id": row.order_id, "status": row.status})
