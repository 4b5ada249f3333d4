"""Who may send which request: API keys with roles, taken from a header only."""

from functools import cache
from typing import Final

from flask import Flask, current_app, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from app.api_keys import ApiKey, Role, find_key
from app.settings import Settings

_OPEN: Final = ("/healthz", "/readyz", "/docs", "/openapi.json", "/dashboard")
"""Need no key, nor does what is below them; the dashboard asks for one in its own way."""
_ADMIN: Final = frozenset({"/orders/populate"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
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
    return Role.READ if method in _SAFE else Role.WRITE


def authenticate(presented: str) -> ApiKey | None:
    """Return the key that was presented, and count it as the request's; None if it is none."""
    settings: Settings = current_app.config["SETTINGS"]
    key = find_key(settings.api_keys, presented)
    request.environ[CALLER] = key
    return key


def caller() -> ApiKey | None:
    """Return the key that the current request came with; None if it came with none that counts."""
    if CALLER not in request.environ:
        return authenticate(_presented_key())
    key: ApiKey | None = request.environ[CALLER]
    return key


def _check() -> None:
    if request.url_rule is None:  # there is no such route: nothing to guard
        return
    needed = needed_role(request.url_rule.rule, request.method)
    if needed is None:
        return
    key = caller()
    if key is None:
        raise Unauthorized(
            "the API key is not valid" if _presented_key() else "an API key is needed",
            www_authenticate=WWWAuthenticate("bearer", {"realm": "order processing"}),
        )
    if key.role < needed:
        raise Forbidden(f"the key {key.name!r} has the role {key.role}; this needs {needed}")


def _presented_key() -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    return request.headers.get("X-API-Key", "")
