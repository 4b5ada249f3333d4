"""Signing in with an API key, and out again."""

from flask import g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.dashboard.access import forget, remember
from app.dashboard.blueprint import blueprint


@blueprint.get("/dashboard/login")
def login() -> Response | str:
    """Ask for a key, unless there is a session already or none is needed."""
    if g.get("viewer"):
        return redirect(url_for("dashboard.page"))
    return render_template("dashboard/login.html", refused=False)


@blueprint.post("/dashboard/login")
def sign_in() -> Response | tuple[str, int]:
    """Begin a session if the key is one."""
    response = redirect(url_for("dashboard.page"), 303)
    if remember(response, request.form.get("key", "").strip()):
        return response
    return render_template("dashboard/login.html", refused=True), 403


@blueprint.post("/dashboard/logout")
def sign_out() -> Response:
    """End the session."""
    response = redirect(url_for("dashboard.login"), 303)
    forget(response)
    return response
