"""Lists of orders over HTTP."""

from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.api.cursors import read_cursor, write_cursor
from app.api.documents import json_response, order_document
from app.api.extension import this_worker
from app.api.list_query import ListQuery
from app.api.openapi.answers import OrderPage
from app.api.openapi.operation import Answer, operation
from app.api.openapi.refusals import READING
from app.api.parameters import bad_parameters, read_parameters
from app.orders.listing import Selection

blueprint = Blueprint("lists", __name__)


@blueprint.get("/orders", strict_slashes=False)
@operation(
    query=ListQuery,
    answers={200: Answer(OrderPage, headers=("Link",))},
    raises=READING,
)
def list_orders() -> Response:
    """Show a page of the orders that pass every filter, newest first."""
    query = read_parameters(request, ListQuery)
    selection = query.selection
    after = None if query.cursor is None else _position(query.cursor, selection)
    page = this_worker().service.page(selection, limit=query.limit, after=after)
    cursor = None if page.next_after is None else write_cursor(page.next_after, repr(selection))
    document = {
        "data": [order_document(row) for row in page.rows],
        "has_more": cursor is not None,
        "next_cursor": cursor,
    }
    return json_response(document, headers=_link(cursor))


def _position(cursor: str, selection: Selection) -> int:
    after = read_cursor(cursor, repr(selection))
    if after is None:
        raise bad_parameters([("cursor", "should be the next_cursor of a page of this list")])
    return after


def _link(cursor: str | None) -> dict[str, str]:
    """Return the header that leads to the next page, as RFC 8288 has it; nothing for the last."""
    if cursor is None:
        return {}
    parameters = request.args.to_dict() | {"cursor": cursor}
    return {"Link": f'<{request.path}?{urlencode(parameters)}>; rel="next"'}
