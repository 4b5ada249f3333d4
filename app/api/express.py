"""The express lane: plain creates go past Flask's machinery, which is two thirds of a request.

It takes what the route `create_order` takes, and calls what that calls. Whatever is out of the
ordinary goes through Flask: other requests, a caller who may not, a body that comes in chunks or is
too long. So does what is raised here, for Flask's error handlers to answer it.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from flask import Flask, request
from werkzeug.exceptions import ClientDisconnected

from app.api.auth import CALLER, needed_role, presented_key
from app.api.documents import created_json, headers_of
from app.api.drafts import checked_key, parse_draft
from app.api.envelope import ROUTE
from app.api.extension import worker_of
from app.api_keys import find_key
from app.orders.lifecycle import Placed
from app.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ROUTES: Final = {"/create_order": "/create_order", "/orders": "/orders", "/orders/": "/orders"}
"""By the paths that lead there."""
MAX_DIGITS: Final = 18
"""Of a length; Python refuses to read thousands of them."""
_RAISED: Final = "orders.raised"
"""Where a request's WSGI environment holds what went wrong on the express lane."""


def register_express(app: Flask, settings: Settings) -> None:
    """Open the express lane, unless a rate limit has Flask look at every request."""
    if not settings.rate_limit:
        app.before_request(_raise_again)
        app.wsgi_app = ExpressLane(app, settings)  # type: ignore[method-assign]  # as Flask advises


class ExpressLane:
    """Wraps the WSGI application whose plain creates it takes."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._application = app.wsgi_app
        self._worker = worker_of(app)
        self._keys = settings.api_keys
        self._max_body_bytes = settings.max_body_bytes

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        if not self._takes(environ):
            return self._application(environ, start_response)
        try:
            placed = self._place(environ)
            body, headers = created_json(placed), headers_of(placed)
        except Exception as error:  # noqa: BLE001 -- whatever it is, Flask answers it
            environ[_RAISED] = error
            return self._application(environ, start_response)
        environ[ROUTE] = ROUTES[environ["PATH_INFO"]]
        of_json = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("201 CREATED", [*of_json, *headers.items()])
        return [body]

    def _takes(self, environ: "WSGIEnvironment") -> bool:
        length = environ.get("CONTENT_LENGTH", "")
        return (
            environ["PATH_INFO"] in ROUTES
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("CONTENT_TYPE") == "application/json"
            and length.isdecimal()
            and len(length) <= MAX_DIGITS
            and int(length) <= self._max_body_bytes
            and "HTTP_TRANSFER_ENCODING" not in environ
            and self._admits(environ)
        )

    def _admits(self, environ: "WSGIEnvironment") -> bool:
        if not self._keys:
            return True
        key = environ[CALLER] = find_key(self._keys, presented_key(environ))
        needed = needed_role(environ["PATH_INFO"], environ["REQUEST_METHOD"])
        return key is not None and needed is not None and key.role >= needed

    def _place(self, environ: "WSGIEnvironment") -> Placed:
        key = checked_key(environ.get("HTTP_IDEMPOTENCY_KEY"))
        return self._worker.place(parse_draft(_read_body(environ), key))


def _read_body(environ: "WSGIEnvironment") -> bytes:
    length = int(environ["CONTENT_LENGTH"])
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except OSError:
        raise ClientDisconnected from None
    if len(body) < length:
        raise ClientDisconnected
    return body


def _raise_again() -> None:
    error: Exception | None = request.environ.get(_RAISED)
    if error is not None:
        raise error
