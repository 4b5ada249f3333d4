"""Health over HTTP: does this worker live, may it be sent requests."""

from flask import Blueprint, Response

from app.api.documents import json_response
from app.api.extension import this_worker
from app.api.openapi.answers import Health
from app.api.openapi.operation import Answer, operation
from app.database import db
from app.orders.errors import UnavailableError
from app.schema import NOT_MIGRATED, is_migrated

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@operation(answers={200: Answer(Health)}, raises=(UnavailableError,))
def healthz() -> Response:
    """Liveness: 200 while this worker's heartbeat is fresh."""
    if not this_worker().membership.holds:
        raise UnavailableError("this worker has no fresh heartbeat")
    return json_response({"status": "ok"})


@blueprint.get("/readyz")
@operation(answers={200: Answer(Health)}, raises=(UnavailableError,))
def readyz() -> Response:
    """Readiness: 200 while the database answers, is migrated, and the worker is not draining."""
    if this_worker().processor.draining:
        raise UnavailableError("this worker is draining")
    if not is_migrated(db.engine):
        raise UnavailableError(NOT_MIGRATED)
    return json_response({"status": "ok"})
