"""What the answers to requests for many orders look like: for the document only."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.api.openapi.answers import Count
from app.api.openapi.examples import shown_as
from app.api.openapi.problems import MemberAtFault


class TakenIn(BaseModel):
    """An order of a bulk that has become durable."""

    status: Literal[201]
    order_id: str
    id: Annotated[int, Field(ge=1)]


class LeftOut(BaseModel):
    """An order of a bulk that was not written, with the members of a problem document."""

    type: str
    title: str
    status: Literal[400, 409]
    detail: str
    code: str
    error: str
    errors: list[MemberAtFault] = []


class BulkResult(BaseModel):
    """What became of each order, in the order of the request."""

    model_config = shown_as(
        {
            "success_count": 1,
            "failure_count": 1,
            "results": [
                {"status": 201, "order_id": "A-17", "id": 2460},
                {
                    "type": "about:blank",
                    "title": "Conflict",
                    "status": 409,
                    "detail": "order 'A-16' exists already",
                    "code": "order_exists",
                    "error": "Order exists already",
                },
            ],
        }
    )

    success_count: Count
    failure_count: Count
    results: list[TakenIn | LeftOut]


class Shortfall(BaseModel):
    """Why some orders were not written."""

    detail: str


class PopulateResult(BaseModel):
    """How many made-up orders were written."""

    model_config = shown_as(
        {
            "batch_id": "01a1fb59-8ee1-7478-aed9-f1f447706d22",
            "total_entries": 4,
            "success_count": 4,
            "failure_count": 0,
            "errors": [],
        }
    )

    batch_id: str
    total_entries: Count
    success_count: Count
    failure_count: Annotated[
        int, Field(ge=0, description="Sent again with the same key, a request writes these.")
    ]
    errors: list[Shortfall]
