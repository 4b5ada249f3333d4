"""What is around every request: its id, the header fields of every answer, its line in the log."""

import logging
import re
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from time import perf_counter, time
from typing import TYPE_CHECKING, Final

import structlog
import uuid_utils
from flask import Flask

from app.api.auth import CALLER
from app.logs import request_id

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ROUTE: Final = "orders.route"
"""Where a request's WSGI environment holds its route, if Flask did not see it."""
_ACCEPTABLE: Final = re.compile(r"[\x21-\x7e]{1,128}")
_FIELDS: Final = [
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
]
"""Of every answer, unless it brings its own."""
_NAMES: Final = frozenset(["Date", *(name for name, _ in _FIELDS)])


def register_envelope(app: Flask) -> None:
    """Put every request of the app into an envelope; logs them if INFO is logged by now."""
    app.wsgi_app = Envelope(app.wsgi_app)  # type: ignore[method-assign]  # as Flask advises


class Envelope:
    """Wraps a WSGI application, which is cheaper than Flask's hooks and misses no answer."""

    def __init__(self, application: "WSGIApplication") -> None:
        self._application = application
        logged = logging.getLogger(__name__).isEnabledFor(logging.INFO)
        self._info = structlog.get_logger().bind().info if logged else None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        begun = perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        current = given if _ACCEPTABLE.fullmatch(given) else str(uuid_utils.uuid7())

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None, /
        ) -> "Callable[[bytes], object]":
            own = _NAMES.intersection([name for name, _ in headers])
            headers.append(("X-Request-Id", current))
            ours = [_date(int(time())), *_FIELDS]
            headers += [field for field in ours if field[0] not in own] if own else ours
            if status.startswith("304"):
                # or else uWSGI's router gives it an empty chunked body, which no 304 may have
                headers.append(("Connection", "close"))
            if self._info is not None:
                self._info("request", **_facts(environ, status, perf_counter() - begun))
            return start_response(status, headers, exc_info)

        token = request_id.set(current)
        try:
            return self._application(environ, start)
        finally:
            request_id.reset(token)


@lru_cache(maxsize=1)
def _date(second: int) -> tuple[str, str]:
    """Return the field that uWSGI leaves out, and a server with a clock should send (RFC 9110)."""
    return "Date", formatdate(second, usegmt=True)


def _facts(environ: "WSGIEnvironment", status: str, seconds: float) -> dict[str, object]:
    route = environ.get(ROUTE)
    if route is None:
        rule = environ["werkzeug.request"].url_rule
        route = rule.rule if rule else None
    facts = {
        "method": environ["REQUEST_METHOD"],
        "route": route,  # the path itself could hold anything
        "status": int(status[:3]),
        "duration_seconds": round(seconds, 6),
    }
    key = environ.get(CALLER)
    if key is not None:
        facts["key"] = key.name
    return facts
