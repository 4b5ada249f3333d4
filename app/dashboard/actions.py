"""Cancelling and retrying: first a question, then the deed."""

import logging
from datetime import datetime
from typing import Final

from flask import redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from app.api_keys import Role
from app.clock import utc_now
from app.dashboard.access import need, viewer
from app.dashboard.blueprint import blueprint
from app.dashboard.board import this_board
from app.dashboard.choice import read_row_id, read_status, read_text
from app.orders.lifecycle import OrderStatus
from app.orders.listing import Selection
from app.orders.manual import CANCELLING, RETRYING

_BEGINS_AT: Final = {"cancel": CANCELLING, "retry": RETRYING}
_ACTIONS: Final = f"<any({', '.join(_BEGINS_AT)}):action>"
log = logging.getLogger(__name__)


def action_at(status: OrderStatus | None) -> str | None:
    """Return what can be done with orders of this status; None if nothing can."""
    return next((action for action, begins in _BEGINS_AT.items() if status in begins), None)


@blueprint.get(f"/dashboard/orders/<order_id>/{_ACTIONS}")
def ask_for_one(order_id: str, action: str) -> str:
    """Ask whether this order is meant."""
    need(Role.WRITE)
    order = this_board().service.get(order_id)
    return render_template("dashboard/confirm_one.html", order=order, action=action)


@blueprint.post(f"/dashboard/orders/<order_id>/{_ACTIONS}")
def act_on_one(order_id: str, action: str) -> Response:
    """Cancel or retry the order, and show it."""
    need(Role.WRITE)
    manual = this_board().manual
    moved = manual.cancel(order_id) if action == "cancel" else manual.retry(order_id)
    log.info("%s of order %s by hand, %s", action, moved.order_id, _by_whom())
    return redirect(url_for("dashboard.order", order_id=moved.order_id), 303)


@blueprint.get(f"/dashboard/all/{_ACTIONS}")
def ask_for_all(action: str) -> str:
    """Ask whether all these orders are meant: those there are now, none that comes later."""
    need(Role.ADMIN)
    status = _status(action)
    metrics = this_board().service.metrics()
    return render_template(
        "dashboard/confirm_all.html",
        action=action,
        status=status,
        user_id=read_text(request.args, "user_id"),
        created_to=utc_now(),
        number=metrics.counts[status] - metrics.pruned.get(status, 0),
    )


@blueprint.post(f"/dashboard/all/{_ACTIONS}")
def act_on_all(action: str) -> str:
    """Cancel or retry as many as can be moved in a few seconds, and show how many are done."""
    need(Role.ADMIN)
    selection = Selection(
        _status(action),
        read_text(request.form, "user_id") or None,
        created_to=_created_to(),
        oldest_first=True,
    )
    selected = this_board().selected
    move = selected.cancel if action == "cancel" else selected.retry
    progress = move(selection, after=read_row_id(request.form, "after"))
    log.info("%s of %d orders by hand, %s", action, progress.moved, _by_whom())
    return render_template(
        "dashboard/moved.html",
        action=action,
        selection=selection,
        progress=progress,
        moved=progress.moved + (read_row_id(request.form, "moved") or 0),
    )


def _status(action: str) -> OrderStatus:
    status = read_status(request.values)
    if status not in _BEGINS_AT[action]:
        raise BadRequest(f"status should be one of {', '.join(_BEGINS_AT[action])}")
    return status


def _created_to() -> datetime:
    try:
        moment = datetime.fromisoformat(request.form.get("created_to", ""))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise BadRequest("created_to should be the time that the page has given out")
    return moment


def _by_whom() -> str:
    return f"key {viewer().name!r}" if viewer().name else "without a key"
