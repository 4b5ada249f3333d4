"""Metrics over HTTP: JSON, and the text that Prometheus reads."""

from typing import Final

from flask import Blueprint, Response, request
from werkzeug.datastructures import MIMEAccept

from app.api.documents import json_response, metrics_document
from app.api.extension import this_worker
from app.api.openapi.metrics import EXPOSITION_EXAMPLES, Totals
from app.api.openapi.operation import Answer, operation
from app.api.openapi.refusals import READING
from app.api.prometheus import OPENMETRICS, TEXT, exposition

JSON: Final = "application/json"

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@operation(answers={200: Answer(Totals, text=EXPOSITION_EXAMPLES)}, raises=READING)
def get_metrics() -> Response:
    """Show the service's totals, the same from every worker."""
    media_type = _preferred(JSON, TEXT, OPENMETRICS)
    metrics = this_worker().service.metrics()
    if media_type == JSON:
        response = json_response(metrics_document(metrics))
    else:
        response = exposition(metrics, media_type)
    response.headers["Vary"] = "Accept"
    return response


@blueprint.get("/metrics/prometheus")
@operation(answers={200: Answer(text=EXPOSITION_EXAMPLES)}, raises=READING)
def get_prometheus_metrics() -> Response:
    """Show the totals as Prometheus reads them, whatever the client says it accepts."""
    response = exposition(this_worker().service.metrics(), _preferred(TEXT, OPENMETRICS))
    response.headers["Vary"] = "Accept"
    return response


def _preferred(*offered: str) -> str:
    """Return the media type that the client likes best; the first one if it likes none."""
    # Without parameters such as a version: werkzeug would match only one that is offered as well.
    accepted = MIMEAccept(
        [(item.partition(";")[0].strip(), quality) for item, quality in request.accept_mimetypes]
    )
    return accepted.best_match(offered, offered[0])
