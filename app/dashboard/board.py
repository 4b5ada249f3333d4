"""What all who look at this worker share: each is read, and rendered, once a second at most."""

from datetime import timedelta
from typing import Final, cast

from flask import Flask, current_app, render_template
from markupsafe import Markup

from app.clock import utc_now
from app.dashboard.charts import HEIGHT, charts, time_labels
from app.dashboard.choice import Choice
from app.dashboard.health import health, worker_lines
from app.dashboard.order_list import read_orders
from app.dashboard.recent import Recent
from app.orders.history import Window, first_step
from app.orders.manual import ManualMoves
from app.orders.overview import Overview
from app.orders.selected import SelectedMoves
from app.orders.service import OrderService

GOOD_SECONDS: Final = 1.0
CHARTS_GOOD_SECONDS: Final = 2.0
"""No longer than from poll to poll: two workers that answer in turn must not tell old and new."""
MISSED_LEASE: Final = 0.6
"""A worker beats five times per lease at least: after this part of it three beats are missing."""
MAX_SILENCE: Final = timedelta(seconds=10)
_NAME: Final = "order_dashboard"


class Board:
    """The live parts of the page, and the use cases behind the others.

    Args:
        overview: Reads how the service stands.
        service: Reads orders.
        manual: Moves single orders.
        selected: Moves all orders of a selection.
        lease_seconds: A worker without a heartbeat for longer is dead.

    """

    def __init__(
        self,
        overview: Overview,
        service: OrderService,
        manual: ManualMoves,
        selected: SelectedMoves,
        *,
        lease_seconds: float,
    ) -> None:
        self.overview = overview
        self.service = service
        self.manual = manual
        self.selected = selected
        self._silent_after = min(MAX_SILENCE, timedelta(seconds=lease_seconds * MISSED_LEASE))
        self._glances: Recent[str, str] = Recent(good_seconds=GOOD_SECONDS)
        self._charts: Recent[Window, str] = Recent(good_seconds=CHARTS_GOOD_SECONDS)
        self._lists: Recent[Choice, str] = Recent(good_seconds=GOOD_SECONDS)

    def glance(self, choice: Choice) -> str:
        """Return figures, charts and workers, as HTML."""
        return self._glances.get(choice.window_name, lambda: self._render_glance(choice))

    def orders(self, choice: Choice) -> str:
        """Return the orders that were chosen, as HTML."""
        return self._lists.get(choice, lambda: self._render_orders(choice))

    def _render_glance(self, choice: Choice) -> str:
        window = choice.window
        present = self.overview.present(utc_now())
        lines = worker_lines(present, self._silent_after)
        return render_template(
            "dashboard/glance.html",
            metrics=present.metrics,
            health=health(present, lines),
            workers=lines,
            charts=safe(self._charts.get(window, lambda: self._render_charts(window))),
            choice=choice.of_status(None),  # nothing but the window: others who look see it, too
        )

    def _render_charts(self, window: Window) -> str:
        now = utc_now()
        steps = self.overview.history(window, now)
        return render_template(
            "dashboard/charts.html",
            charts=charts(steps),
            window=window,
            width=len(steps),
            height=HEIGHT,
            begins_at=first_step(window, now),
            time_labels=time_labels(window, now),
        )

    def _render_orders(self, choice: Choice) -> str:
        found = read_orders(self.service, choice)
        return render_template("dashboard/orders.html", orders=found, choice=choice, now=utc_now())


def safe(html: str) -> Markup:
    """Return what a template has rendered as what another one need not escape again."""
    return Markup(html)  # noqa: S704 -- the first one has escaped what is in it


def attach_board(app: Flask, board: Board) -> None:
    """Make this what the app's pages show."""
    app.extensions[_NAME] = board


def this_board() -> Board:
    """Return what the current request's page shows."""
    return cast("Board", current_app.extensions[_NAME])
