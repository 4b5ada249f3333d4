"""The page over HTTP: whole, and its live parts alone."""

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from app.dashboard.board import this_board
from app.dashboard.choice import Choice
from app.dashboard.failures import register_failures
from app.dashboard.formats import register_formats
from app.dashboard.policy import register_policy

blueprint = Blueprint(
    "dashboard",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/dashboard/static",
)
register_formats(blueprint)
register_policy(blueprint)
register_failures(blueprint)


@blueprint.get("/")
def root() -> AnyResponse:
    """Lead to the page."""
    return redirect(url_for("dashboard.page"))


@blueprint.get("/dashboard")
def page() -> str:
    """Show the whole page."""
    choice = Choice.read(request.args)
    return render_template("dashboard/page.html", choice=choice, live=_live(choice))


@blueprint.get("/dashboard/state")
def state() -> Response:
    """Show the page's live parts: 304 if they are as the caller knows them."""
    response = make_response(_live(Choice.read(request.args)))
    response.add_etag()
    response.make_conditional(request)
    return response


def _live(choice: Choice) -> Markup:
    return Markup(this_board().glance(choice))  # noqa: S704 -- rendered by a template, which escapes
