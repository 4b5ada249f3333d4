"""`X-Request-Id`: taken over or made, returned, and in every problem document."""

import re
from typing import Final

import uuid_utils
from flask import Flask, Response, g, request

_ACCEPTABLE: Final = re.compile(r"[\x21-\x7e]{1,128}")


def register_request_ids(app: Flask) -> None:
    """Give every request of the app an id."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _ACCEPTABLE.fullmatch(given) else str(uuid_utils.uuid7())


def _end(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    return response
