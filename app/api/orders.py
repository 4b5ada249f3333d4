"""Orders over HTTP: taking them in, showing them."""

from typing import Annotated, Final

from flask import Blueprint, Response, request
from pydantic import BaseModel, ConfigDict, Field

from app.api.conditional import order_if_changed
from app.api.documents import created, json_response, order_document
from app.api.drafts import read_draft
from app.api.extension import this_worker
from app.api.openapi.answers import Order, OrderState, PlacedOrder
from app.api.openapi.links import TO_THE_ORDER
from app.api.openapi.operation import Answer, operation
from app.api.openapi.parameters import IDEMPOTENCY_KEY, IF_NONE_MATCH
from app.api.openapi.refusals import FINDING, MOVING, PLACING
from app.api.parameters import WHOLE_NUMBER, read_parameters
from app.api.schemas import NewOrder

MAX_WAIT_SECONDS: Final = 30


class WaitQuery(BaseModel):
    """How long to wait for an order to end."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wait: Annotated[int, Field(ge=0, le=MAX_WAIT_SECONDS), WHOLE_NUMBER] = Field(
        0,
        description="Seconds; where many requests wait already, this one does not.",
    )


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
@operation(
    headers=(IF_NONE_MATCH,),
    answers={200: Answer(Order, headers=("ETag",)), 304: Answer(headers=("ETag",))},
    raises=FINDING,
)
def get_order_by_id(row_id: int) -> Response:
    """Show the order with this database id."""
    return order_if_changed(request, this_worker().service.get_by_id(row_id))


@blueprint.get("/orders/<order_id>")
@operation(
    query=WaitQuery,
    headers=(IF_NONE_MATCH,),
    answers={200: Answer(Order, headers=("ETag",)), 304: Answer(headers=("ETag",))},
    raises=FINDING,
)
def get_order(order_id: str) -> Response:
    """Show the order with this public id, at once or when it has ended."""
    wanted = read_parameters(request, WaitQuery)
    return order_if_changed(request, this_worker().waiting.until_ended(order_id, wanted.wait))


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
