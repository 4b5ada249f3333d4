"""Who may send which request: API keys with roles, taken from a header only."""

from functools import cache
from typing import TYPE_CHECKING, Final

from flask import Flask, current_app, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from app.api_keys import SAFE_METHODS, ApiKey, Role, find_key
from app.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_OPEN: Final = ("/healthz", "/readyz", "/docs", "/openapi.json", "/dashboard")
"""Need no key, nor does what is below them; the dashboard asks for one in its own way."""
_ADMIN: Final = frozenset({"/orders/populate"})
CALLER: Final = "orders.caller"
"""Where a request's WSGI environment holds the key that it came with."""


def register_auth(app: Flask, settings: Settings) -> None:
    """Have the app ask for keys, if there are any."""
    if settings.api_keys:
        app.before_request(_check)


@cache
def needed_role(rule: str, method: str) -> Role | None:
    """Return what a key must be allowed for this request; None where none is needed.

    Args:
        rule: The route's pattern, such as `/orders/<order_id>`.
        method: The HTTP method.

    """
    if rule == "/" or any(f"{rule}/".startswith(f"{each}/") for each in _OPEN):
        return None
    if rule in _ADMIN:
        return Role.ADMIN
    return Role.READ if method in SAFE_METHODS else Role.WRITE


def authenticate(presented: str) -> ApiKey | None:
    """Return the key that was presented, and count it as the request's; None if it is none."""
    settings: Settings = current_app.config["SETTINGS"]
    key = find_key(settings.api_keys, presented)
    request.environ[CALLER] = key
    return key


def caller() -> ApiKey | None:
    """Return the key that the current request came with; None if it came with none that counts."""
    if CALLER not in request.environ:
        return authenticate(presented_key(request.environ))
    key: ApiKey | None = request.environ[CALLER]
    return key


def presented_key(environ: "WSGIEnvironment") -> str:
    """Return the key that came with a request, whatever it is; empty if none came."""
    authorization: str = environ.get("HTTP_AUTHORIZATION", "")
    scheme, _, key = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    given: str = environ.get("HTTP_X_API_KEY", "")
    return given


def _check() -> None:
    if request.url_rule is None:  # there is no such route: nothing to guard
        return
    needed = needed_role(request.url_rule.rule, request.method)
    if needed is None:
        return
    key = caller()
    if key is None:
        raise Unauthorized(
            "the API key is not valid"
            if presented_key(request.environ)
            else "an API key is needed",
            www_authenticate=WWWAuthenticate("bearer", {"realm": "order processing"}),
        )
    if key.role < needed:
        raise Forbidden(f"the key {key.name!r} has the role {key.role}; this needs {needed}")
