"""What the metrics look like: for the document only."""

from typing import Annotated, Final

from pydantic import BaseModel, Field

from app.api.openapi.answers import Count, Seconds
from app.api.openapi.examples import shown_as
from app.api.prometheus import OPENMETRICS, TEXT

METRICS_EXAMPLE: Final = {
    "total_orders": 2,
    "pending_count": 0,
    "processing_count": 0,
    "processed_count": 2,
    "failed_count": 0,
    "cancelled_count": 0,
    "status_counts": {
        "PENDING": 0,
        "PROCESSING": 0,
        "COMPLETED": 2,
        "FAILED": 0,
        "CANCELLED": 0,
        "pending_orders": 0,
        "processing_orders": 0,
        "completed_orders": 2,
    },
    "avg_processing_time": "0.9399",
    "average_processing_time": 0.9399345,
    "average_processing_time_from_creation": 0.9444345,
    "processing_time": {"p50": 1.0, "p95": 1.513561, "p99": 1.570363},
    "waiting_time": {"p50": 0.003981, "p95": 0.006026, "p99": 0.006252},
    "throughput": {"accepted": 0.250496, "completed": 0.250496},
    "estimated_processing_time": 0.0,
    "oldest_pending_age": None,
    "workers": {"alive": 2, "queue_lengths": [0, 0]},
}

_TEXT_EXAMPLE: Final = """\
# HELP orders_accepted_total Orders taken in.
# TYPE orders_accepted_total counter
orders_accepted_total 2.0
"""
_OPENMETRICS_EXAMPLE: Final = """\
# HELP orders_accepted Orders taken in.
# TYPE orders_accepted counter
orders_accepted_total 2.0
# EOF
"""
EXPOSITION_EXAMPLES: Final = {TEXT: _TEXT_EXAMPLE, OPENMETRICS: _OPENMETRICS_EXAMPLE}
"""What Prometheus reads, by media type; one family of many."""


class Percentiles(BaseModel):
    """Seconds that half, 95 and 99 of a hundred orders did not exceed; null if none completed."""

    p50: Seconds | None
    p95: Seconds | None
    p99: Seconds | None


class Throughput(BaseModel):
    """Orders a second over the last minute."""

    accepted: Annotated[float, Field(ge=0)]
    completed: Annotated[float, Field(ge=0)]


class StatusCounts(BaseModel):
    """How many orders stand where, three of them under a second name."""

    PENDING: Count
    PROCESSING: Count
    COMPLETED: Count
    FAILED: Count
    CANCELLED: Count
    pending_orders: Count
    processing_orders: Count
    completed_orders: Count


class Workers(BaseModel):
    """The workers of all hosts."""

    alive: Count
    queue_lengths: Annotated[list[Count], Field(description="Hints that wait, per worker.")]


class Totals(BaseModel):
    """The service's totals, the same from every worker; times are seconds."""

    model_config = shown_as(METRICS_EXAMPLE)

    total_orders: Count
    pending_count: Count
    processing_count: Count
    processed_count: Annotated[int, Field(ge=0, description="COMPLETED orders.")]
    failed_count: Count
    cancelled_count: Count
    status_counts: StatusCounts
    avg_processing_time: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]{4}$")]
    average_processing_time: Seconds
    average_processing_time_from_creation: Seconds
    processing_time: Percentiles
    waiting_time: Percentiles
    throughput: Throughput
    estimated_processing_time: Annotated[
        float | None,
        Field(ge=0, description="Until the backlog is worked off; null while nothing completes."),
    ]
    oldest_pending_age: Seconds | None
    workers: Workers
