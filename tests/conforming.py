"""Holds answers against the OpenAPI document, so that the two cannot drift apart."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient
from pydantic import TypeAdapter
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from app.api.openapi.document import build_document
from app.api.openapi.operation import operation_of
from app.api.openapi.problems import MEDIA_TYPE, ProblemDocument
from app.api.openapi.routes import path_of
from app.api.problems import _STATUS_AND_SENTENCE

OF_HTTP: Final = {
    *["Content-Type", "Content-Length", "Cache-Control", "Vary", "Date", "Connection"],
    *["Content-Security-Policy", "Referrer-Policy", "X-Content-Type-Options"],
}
"""Headers that need no description."""
OF_ORDERS: Final = {error.code for error in _STATUS_AND_SENTENCE}
"""What use cases raise: each answer's description names those that it can have."""


class ConformingClient(FlaskClient):
    """A client whose every request fails if its answer is not as the document has it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request as `FlaskClient` does."""
        answer = super().open(*args, **kwargs)
        check(self.application, answer)
        return answer


def check(app: Flask, answer: TestResponse) -> None:
    """Fail unless status, headers and body are what the document says; strays may be anything."""
    request = answer.request
    try:
        rule, _ = app.url_map.bind("").match(request.path, request.method, return_rule=True)
    except HTTPException:
        return
    operation = operation_of(app.view_functions[rule.endpoint])
    if operation is None or request.method == "OPTIONS":
        return
    method = "get" if request.method == "HEAD" else request.method.lower()
    documented = _document(app)["paths"][path_of(rule)][method]["responses"]
    what = f"{request.method} {request.path}: {answer.status}"
    assert str(answer.status_code) in documented, what
    _check_headers(answer, documented[str(answer.status_code)], what)
    if answer.mimetype == MEDIA_TYPE:
        _check_body(answer, ProblemDocument)
        _check_code(answer, documented[str(answer.status_code)], what)
    elif answer.is_json:
        _check_body(answer, operation.answers[answer.status_code].model)


def _check_headers(answer: TestResponse, documented: Mapping[str, Any], what: str) -> None:
    assert set(answer.headers.keys()) <= set(documented["headers"]) | OF_HTTP, what
    assert answer.mimetype in documented.get("content", {None: None}), what


def _check_body(answer: TestResponse, model: Any) -> None:
    """Fail unless the body has exactly the model's members, of exactly their types."""
    if answer.data:  # a HEAD has none
        TypeAdapter(model).validate_json(answer.data, strict=True, extra="forbid")


def _check_code(answer: TestResponse, documented: Mapping[str, Any], what: str) -> None:
    code = answer.json["code"] if answer.data else None  # a HEAD has none
    assert code not in OF_ORDERS or code in documented["content"][MEDIA_TYPE]["examples"], what


def _document(app: Flask) -> Any:
    """Return the document, the same for every application but for the keys it asks for."""
    if not _built:
        _built.append(build_document(app))
    return _built[0]


_built: list[dict[str, Any]] = []
