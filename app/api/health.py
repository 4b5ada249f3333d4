"""Health over HTTP: does this worker live, may it be sent requests."""

from flask import Blueprint, Response

from app.api.documents import json_response
from app.api.extension import this_worker
from app.api.openapi.answers import Health, Illness
from app.api.openapi.operation import Answer, operation
from app.database import db
from app.orders.errors import UnavailableError
from app.schema import NOT_MIGRATED, is_migrated

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@operation(answers={200: Answer(Health), 503: Answer(Illness)})
def healthz() -> Response:
    """Liveness: 200 while this worker's heartbeat is fresh."""
    alive = this_worker().membership.holds
    return _answer("" if alive else "this worker has no fresh heartbeat")


@blueprint.get("/readyz")
@operation(answers={200: Answer(Health), 503: Answer(Illness)})
def readyz() -> Response:
    """Readiness: 200 while the database answers, is migrated, and the worker is not draining."""
    worker = this_worker()
    if worker.processor.draining:
        return _answer("this worker is draining")
    try:
        return _answer("" if is_migrated(db.engine) else NOT_MIGRATED)
    except UnavailableError as error:
        return _answer(str(error))


def _answer(reason: str) -> Response:
    if reason:
        return json_response({"status": "unavailable", "reason": reason}, 503)
    return json_response({"status": "ok"})
