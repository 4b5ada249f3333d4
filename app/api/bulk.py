"""Many orders in one request."""

import hashlib
from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, request

from app.api.bulk_request import BulkOrders, Populate, read_bulk
from app.api.documents import REPLAYED, json_response
from app.api.drafts import idempotency_key, read_bytes
from app.api.extension import this_worker
from app.api.openapi.answers_to_bulk import BulkResult, PopulateResult
from app.api.openapi.operation import Answer, operation
from app.api.openapi.parameters import IDEMPOTENCY_KEY
from app.api.openapi.refusals import PLACING_BULK, POPULATING
from app.api.problems import BadRequestError, problem_of
from app.api.schemas import NewOrder
from app.api.strict_json import read_object
from app.orders.bulk_outcomes import Outcome
from app.orders.lifecycle import Placed
from app.orders.populating import populate

blueprint = Blueprint("bulk", __name__)


@blueprint.post("/orders/bulk")
@operation(
    body=BulkOrders,
    headers=(IDEMPOTENCY_KEY,),
    answers={201: Answer(BulkResult, headers=("Idempotent-Replayed",))},
    raises=PLACING_BULK,
)
def create_orders() -> Response:
    """Take many orders in, all or none or those that can be: 201 once they are durable."""
    bulk, items = read_bulk(request)
    outcomes = this_worker().place_bulk(bulk)
    results = [_result(each) for each in _in_order(items, outcomes)]
    placed = [each for each in outcomes if isinstance(each, Placed)]
    document = {
        "success_count": len(placed),
        "failure_count": len(results) - len(placed),
        "results": results,
    }
    replayed = any(each.replayed for each in placed)
    return json_response(document, 201, REPLAYED if replayed else None)


@blueprint.post("/orders/populate")
@operation(
    body=Populate,
    headers=(IDEMPOTENCY_KEY,),
    answers={201: Answer(PopulateResult, headers=("Idempotent-Replayed",))},
    raises=POPULATING,
)
def populate_orders() -> Response:
    """Write made-up orders, to try the service out."""
    key, sent = idempotency_key(request), read_bytes(request)
    wanted = Populate.model_validate(read_object(sent))
    population = populate(
        this_worker().place_bulk,
        wanted.total_entries,
        request_hash=hashlib.sha256(sent).digest(),
        key=key,
    )
    document = {
        "batch_id": wanted.batch_id or population.first_order_id,
        "total_entries": wanted.total_entries,
        "success_count": population.written,
        "failure_count": wanted.total_entries - population.written,
        "errors": [{"detail": population.error}] if population.error else [],
    }
    headers = REPLAYED if population.replayed else None
    return json_response(document, 201, headers)


def _in_order(
    items: Sequence[NewOrder | BadRequestError], outcomes: Sequence[Outcome]
) -> Iterator[Outcome | BadRequestError]:
    """Yield what became of each item: the outcome of its order, or what is wrong with it."""
    remaining = iter(outcomes)
    for item in items:
        yield item if isinstance(item, BadRequestError) else next(remaining)


def _result(outcome: Outcome | BadRequestError) -> dict[str, object]:
    if isinstance(outcome, Placed):
        return {"status": 201, "order_id": outcome.draft.order_id, "id": outcome.id}
    return problem_of(outcome).members()
