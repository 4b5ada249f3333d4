"""Answers to requests that know an order already, and ask whether it has changed."""

from flask import Request, Response

from app.api.documents import json_response, order_document
from app.database import AnyRow


def order_if_changed(request: Request, row: AnyRow) -> Response:
    """Return the order, or 304 if it is still in the state that `If-None-Match` names.

    Every transition counts the fence up, and nothing else changes an order. The tag is weak
    because durations count up meanwhile.
    """
    tag = f"{row.id}-{row.fence}"
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304)
        response.headers["Cache-Control"] = "no-store"
    else:
        response = json_response(order_document(row))
    response.set_etag(tag, weak=True)
    return response
