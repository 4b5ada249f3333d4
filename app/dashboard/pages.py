"""What one looks at: the page, its live parts alone, one order."""

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.clock import utc_now
from app.dashboard.actions import action_at
from app.dashboard.blueprint import blueprint
from app.dashboard.board import safe, this_board
from app.dashboard.choice import Choice
from app.dashboard.story import story
from app.orders.lifecycle import OrderStatus


@blueprint.get("/")
def root() -> AnyResponse:
    """Lead to the page."""
    return redirect(url_for("dashboard.page"))


@blueprint.get("/dashboard", strict_slashes=False)
def page() -> str:
    """Show the whole page."""
    choice = Choice.read(request.args)
    return render_template(
        "dashboard/page.html",
        choice=choice,
        statuses=list(OrderStatus),
        action=action_at(choice.status),
        glance=safe(this_board().glance(choice)),
        orders=safe(this_board().orders(choice)),
    )


@blueprint.get("/dashboard/state")
def state() -> Response:
    """Show the page's live parts: 304 if they are as the caller knows them."""
    choice = Choice.read(request.args)
    response = make_response(this_board().glance(choice) + this_board().orders(choice))
    response.add_etag()
    response.make_conditional(request)
    return response


@blueprint.get("/dashboard/orders/<order_id>")
def order(order_id: str) -> str:
    """Show what has happened to the order so far."""
    timeline = this_board().overview.timeline(order_id)
    now = utc_now()
    return render_template(
        "dashboard/order.html",
        order=timeline.order,
        action=action_at(timeline.order.status),
        events=story(timeline, now),
        now=now,
    )
