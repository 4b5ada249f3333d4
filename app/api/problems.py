"""Errors as problem documents (RFC 9457): what the API answers to each error of the domain."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from flask import Flask, Response, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from app.api.flaws import flaws
from app.api.strict_json import MalformedBodyError, pointer
from app.database import db
from app.logs import request_id
from app.orders import errors
from app.schema import NOT_MIGRATED, lacks_migration

_STATUS_AND_SENTENCE: Final[dict[type[errors.OrderError], tuple[HTTPStatus, str]]] = {
    errors.OrderNotFoundError: (HTTPStatus.NOT_FOUND, "Order not found"),
    errors.OrderExistsError: (HTTPStatus.CONFLICT, "Order exists already"),
    errors.IdempotencyKeyReusedError: (
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Idempotency key was used for another order",
    ),
    errors.BulkRefusedError: (HTTPStatus.CONFLICT, "Order exists already"),
    errors.UnknownStatusError: (HTTPStatus.BAD_REQUEST, "There is no such status"),
    errors.WrongStatusError: (HTTPStatus.CONFLICT, "Order has another status"),
    errors.OrderRefusedError: (HTTPStatus.BAD_REQUEST, "Order is not valid"),
    errors.OverloadedError: (HTTPStatus.SERVICE_UNAVAILABLE, "Too many orders are waiting"),
    errors.OutcomeUnknownError: (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Outcome unknown, repeat the request, a create with the same idempotency key",
    ),
    errors.UnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable"),
}

MAX_QUOTE_LENGTH: Final = 300
"""Characters of an answer's parts that may quote the request, which can be endless."""
MAX_ERRORS: Final = 100
"""Named in one answer: a body can have tens of thousands."""

log = logging.getLogger(__name__)


class BadRequestError(Exception):
    """The request is at fault.

    Args:
        code: A stable word for programs.
        detail: One sentence.
        errors: What is wrong with which member of the body: `pointer` and `detail` each.

    """

    def __init__(self, code: str, detail: str, errors: Sequence[dict[str, str]] = ()) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Problem:
    """What a problem document says."""

    status: HTTPStatus
    code: str
    error: str
    """One sentence, for simple clients."""
    detail: str
    errors: Sequence[dict[str, str]] = ()
    retry_after_seconds: int | None = None

    def members(self) -> dict[str, Any]:
        """Return what is wrong, without where."""
        members: dict[str, Any] = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail[:MAX_QUOTE_LENGTH],
            "code": self.code,
            "error": self.error,
        }
        if self.errors:
            members["errors"] = list(self.errors[:MAX_ERRORS])
        return members

    def document(self, *, path: str, request_id: str | None) -> dict[str, Any]:
        """Return the answer to a request for this path."""
        where = {"instance": path[:MAX_QUOTE_LENGTH], "request_id": request_id}
        return self.members() | where

    def response(self) -> Response:
        """Return the answer to the current request."""
        document = self.document(path=request.path, request_id=request_id.get() or None)
        response = Response(json.dumps(document), self.status, mimetype="application/problem+json")
        if self.retry_after_seconds is not None:
            response.headers["Retry-After"] = str(self.retry_after_seconds)
        return response


BUG: Final = Problem(
    HTTPStatus.INTERNAL_SERVER_ERROR,
    "internal_error",
    "Internal error",
    "The service failed to answer; the request id finds the reason in its log.",
)


def register_problems(app: Flask) -> None:
    """Have the app answer every error with a problem document."""
    app.register_error_handler(errors.OrderError, _of_order_error)
    app.register_error_handler(BadRequestError, _of_bad_request)
    app.register_error_handler(MalformedBodyError, _of_malformed_body)
    app.register_error_handler(ValidationError, _of_validation_error)
    app.register_error_handler(HTTPException, _of_http_exception)
    app.register_error_handler(Exception, _of_bug)


def problem_of(error: errors.OrderError | BadRequestError | HTTPException) -> Problem:
    """Return what is answered when this was raised; an HTTP exception must be an error's."""
    if isinstance(error, BadRequestError):
        status = HTTPStatus.BAD_REQUEST
        return Problem(status, error.code, error.detail, error.detail, error.errors)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        detail = error.description or status.description or status.phrase
        # HTTPStatus has other names for 413 and 422 from Python 3.13 on.
        return Problem(status, error.name.lower().replace(" ", "_"), error.name, detail)
    status, sentence = _STATUS_AND_SENTENCE[type(error)]
    refused = error.refused if isinstance(error, errors.BulkRefusedError) else {}
    return Problem(
        status,
        error.code,
        sentence,
        str(error),
        [
            {"pointer": pointer("orders", n, "order_id"), "detail": str(each)}
            for n, each in refused.items()
        ],
        retry_after_seconds=error.retry_after_seconds,
    )


def invalid_order(error: ValidationError, *where: object) -> BadRequestError:
    """Return the error that names each member at fault.

    Args:
        error: What pydantic found.
        where: The path to the order in the request's body; nothing if it is all of it.

    """
    found = [
        {"pointer": pointer(*where, *path), "detail": sentence}
        for path, sentence in islice(flaws(error), MAX_ERRORS)
    ]
    first = f"{found[0]['pointer'] or 'the body'}: {found[0]['detail']}"
    return BadRequestError("invalid_order", first, found)


def _of_order_error(error: errors.OrderError) -> Response:
    return problem_of(error).response()


def _of_bad_request(error: BadRequestError) -> Response:
    return problem_of(error).response()


def _of_malformed_body(error: MalformedBodyError) -> Response:
    at = {"pointer": error.pointer, "detail": error.detail}
    sentence = f"{error.pointer or 'the body'} {error.detail}"
    return _of_bad_request(BadRequestError("malformed_body", sentence, [at]))


def _of_validation_error(error: ValidationError) -> Response:
    return problem_of(invalid_order(error)).response()


def _of_http_exception(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:  # a redirect, which is no problem
        return Response(error.get_body(), error.code, error.get_headers())
    problem = problem_of(error).response()
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After", "WWW-Authenticate"}:
            problem.headers[name] = value
    return problem


def _of_bug(error: Exception) -> Response:
    try:
        if lacks_migration(error, db.engine):
            return _of_order_error(errors.UnavailableError(NOT_MIGRATED))
    except errors.UnavailableError as unavailable:  # the database went away meanwhile
        return _of_order_error(unavailable)
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return BUG.response()
