"""What a browser may do with the page: nothing that the page does not bring along."""

from typing import Final

from flask import Blueprint, Response

_SOURCES: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{kind} {where}" for kind, where in _SOURCES.items()),
    "X-Content-Type-Options": "nosniff",
    # With no-referrer a browser would also keep back the Origin that an action is checked by.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def register_policy(blueprint: Blueprint) -> None:
    """Have every answer of the blueprint say it."""
    blueprint.after_request(_restrict)


def _restrict(response: Response) -> Response:
    response.headers.update(_HEADERS)
    # Kept by the viewer's browser only, and asked for again each time.
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
