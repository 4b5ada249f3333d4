"""Metrics over HTTP."""

from flask import Blueprint, Response

from app.api.documents import json_response
from app.api.extension import this_worker
from app.api.openapi.metrics import Totals
from app.api.openapi.operation import Answer, operation
from app.api.openapi.refusals import READING
from app.orders.lifecycle import OrderStatus
from app.orders.metrics import Metrics

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(answers={200: Answer(Totals)}, raises=READING)
def get_metrics() -> Response:
    """Show the service's totals, the same from every worker."""
    return json_response(_document(this_worker().service.metrics()))


def _document(metrics: Metrics) -> dict[str, object]:
    counts = metrics.counts
    processing = metrics.average_processing or 0.0
    return {
        "avg_processing_time": f"{processing:.4f}",
        "pending_count": counts[OrderStatus.PENDING],
        "processing_count": counts[OrderStatus.PROCESSING],
        "processed_count": counts[OrderStatus.COMPLETED],
        "failed_count": counts[OrderStatus.FAILED],
        "cancelled_count": counts[OrderStatus.CANCELLED],
        "total_orders": sum(counts.values()),
        "average_processing_time": processing,
        "average_processing_time_from_creation": processing + (metrics.average_waiting or 0.0),
        "status_counts": {
            **{str(status): count for status, count in counts.items()},
            "pending_orders": counts[OrderStatus.PENDING],
            "processing_orders": counts[OrderStatus.PROCESSING],
            "completed_orders": counts[OrderStatus.COMPLETED],
        },
        "estimated_processing_time": metrics.drain_seconds,
        "throughput": {
            "accepted": metrics.accepted_per_second,
            "completed": metrics.completed_per_second,
        },
        "workers": {
            "alive": len(metrics.queue_lengths),
            "queue_lengths": list(metrics.queue_lengths),
        },
        "oldest_pending_age": metrics.oldest_pending_age,
        "processing_time": metrics.processing,
        "waiting_time": metrics.waiting,
    }
