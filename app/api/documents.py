"""How orders and metrics look as JSON."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import orjson
from flask import Response
from werkzeug.datastructures import Headers

from app.clock import utc_now
from app.database import AnyRow
from app.orders.durations import altogether, waited, worked
from app.orders.identifiers import shown
from app.orders.lifecycle import OrderStatus, Placed
from app.orders.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

REPLAYED: Final = {"Idempotent-Replayed": "true"}
"""Says that an earlier request with the same idempotency key did what this one asked for."""


class JsonResponse(Response):
    """An answer whose headers are complete as they are."""

    default_mimetype = "application/json"

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:  # noqa: ARG002 -- werkzeug's
        """Return the headers; werkzeug would look through them all again, for 20 us."""
        return self.headers


def json_response(
    document: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the document as an answer."""
    return JsonResponse(orjson.dumps(document), status, headers)


def created(placed: Placed) -> Response:
    """Return the answer to a create: the same again for every repetition."""
    return JsonResponse(created_json(placed), 201, headers_of(placed))


def created_json(placed: Placed) -> bytes:
    """Return the body of the answer to a create."""
    draft = placed.draft
    document = {
        "message": "Order created successfully!",
        "order_id": draft.order_id,
        "id": placed.id,
        "status": OrderStatus.PENDING,
        "data": {
            "user_id": shown(draft.user_id),
            "item_ids": draft.item_ids,
            "total_amount": plain_number(draft.total_amount),
        },
    }
    return orjson.dumps(document)


def headers_of(placed: Placed) -> dict[str, str]:
    """Return the headers of the answer to a create."""
    headers = {"Location": f"/orders/{placed.draft.order_id}"}
    return headers | REPLAYED if placed.replayed else headers


def order_document(row: AnyRow) -> dict[str, object]:
    """Return an order as it is shown everywhere; durations are seconds."""
    now = utc_now()
    return {
        "id": row.id,
        "order_id": row.order_id,
        "user_id": shown(row.user_id),
        "item_ids": row.item_ids,
        "total_amount": plain_number(row.total_amount),
        "status": row.status,
        "attempts": row.attempts,
        "error": row.last_error,
        "created_at": timestamp(row.created_at),
        "started_at": timestamp(row.started_at),
        "processing_started_at": timestamp(row.started_at),
        "completed_at": timestamp(row.completed_at),
        "updated_at": timestamp(row.updated_at),
        "pending_duration": waited(row, now),
        "processing_duration": worked(row, now),
        "total_duration": altogether(row, now),
    }


def metrics_document(metrics: Metrics) -> dict[str, object]:
    """Return the service's totals as they are shown; durations are seconds."""
    counts = metrics.counts
    processing = metrics.processing.average or 0.0
    return {
        "avg_processing_time": f"{processing:.4f}",
        "pending_count": counts[OrderStatus.PENDING],
        "processing_count": counts[OrderStatus.PROCESSING],
        "processed_count": counts[OrderStatus.COMPLETED],
        "failed_count": counts[OrderStatus.FAILED],
        "cancelled_count": counts[OrderStatus.CANCELLED],
        "total_orders": sum(counts.values()),
        "average_processing_time": processing,
        "average_processing_time_from_creation": processing + (metrics.waiting.average or 0.0),
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
            "queue_lengths": list(metrics.queue_lengths.values()),
        },
        "oldest_pending_age": metrics.oldest_pending_age,
        "processing_time": metrics.processing.percentiles,
        "waiting_time": metrics.waiting.percentiles,
    }


def plain_number(amount: Decimal) -> int | float:
    """Return the amount as the JSON number it is: exact, with at most twelve digits."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def timestamp(moment: datetime | None) -> str | None:
    """Return the time as ISO 8601 with microseconds and `Z`; None stays None."""
    return None if moment is None else moment.isoformat(timespec="microseconds") + "Z"
