"""Errors as a page: who looks has a browser."""

from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, make_response, render_template
from werkzeug.exceptions import HTTPException

from app.orders import errors

_STATUS: Final[dict[type[errors.OrderError], HTTPStatus]] = {
    errors.OrderNotFoundError: HTTPStatus.NOT_FOUND,
    errors.WrongStatusError: HTTPStatus.CONFLICT,
    errors.UnknownStatusError: HTTPStatus.BAD_REQUEST,
}


def register_failures(blueprint: Blueprint) -> None:
    """Have the blueprint answer what it refuses, and what the database refuses, with a page."""
    blueprint.register_error_handler(errors.OrderError, _of_order_error)
    blueprint.register_error_handler(HTTPException, _of_http_exception)


def _of_order_error(error: errors.OrderError) -> Response:
    status = _STATUS.get(type(error), HTTPStatus.SERVICE_UNAVAILABLE)
    response = _page(status, str(error))
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _of_http_exception(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:  # a redirect, which is no failure
        return Response(error.get_body(), error.code, error.get_headers())
    response = _page(HTTPStatus(error.code), error.description or "")
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _page(status: HTTPStatus, detail: str) -> Response:
    page = render_template("dashboard/failure.html", title=status.phrase, detail=detail)
    return make_response(page, status)
