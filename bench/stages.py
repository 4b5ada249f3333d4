"""Where the time of one order goes, stage by stage, each on its own and in one thread."""

import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO

from flask import Flask
from rich.console import Console
from rich.table import Table
from werkzeug.test import EnvironBuilder

from app import create_app
from app.api.documents import created_json
from app.api.drafts import parse_draft
from app.api.extension import worker_of
from app.database import db
from app.orders.lifecycle import Draft, Hint, Placed
from app.orders.service import OrderService
from app.processing.attempts import RetryPolicy, attempt
from app.processing.intake import Intake
from app.settings import Settings
from bench.noop import app as noop
from bench.saturation import BODIES
from bench.stopwatch import Stopwatch
from bench.subjects import Databases
from tests.builders import claim, draft, ending
from tests.databases import migrate

BATCHES = (1, 16, 64, 256)
SECONDS = 0.5
"""How long to repeat each stage."""
OWNER = 7
NOTE = "In brackets: on a core of this process. The rest is the database's and its disk's."

Row = tuple[str, list[str]]


def show(kind: str) -> None:
    """Print what each stage takes per order, in microseconds."""
    table = Table(f"µs per order, on {kind}", *(f"batches of {size}" for size in BATCHES))
    with Databases(kind) as databases:
        migrate(url := databases.create("stages"))
        app = create_app(Settings(database_url=url, processing_seconds="0"))
        for name, cells in (*_requests(app), *_batches(app)):
            table.add_row(name, *cells)
        with app.app_context():
            db.engine.dispose()
    console = Console(width=110)
    console.print(table)
    console.print(NOTE)


def _requests(app: Flask) -> Iterator[Row]:
    """Yield the stages of one request; the database has no part in them."""
    placed = Placed(1, draft())
    worker_of(app).place = lambda _draft: placed  # no database
    submit = Intake[Draft, Placed](lambda drafts: [placed] * len(drafts), threads=1).submit
    held, policy = claim(), RetryPolicy(max_attempts=5, base_seconds=1)
    yield _row("request to Flask's no-op", lambda: _call(noop))
    yield _row("request through Flask, intake left out", lambda: _call(app, **_OUT_OF_THE_ORDINARY))
    yield _row("request on the express lane, intake left out", lambda: _call(app))
    yield _row("- of it: from the body to a draft", lambda: parse_draft(_BODY, None))
    yield _row("- of it: from an order to the answer", lambda: created_json(placed))
    yield _row("intake, alone", lambda: submit(placed.draft))
    yield _row("attempt, with a handler that does nothing", lambda: attempt(held, _work, policy))


def _batches(app: Flask) -> Iterator[Row]:
    """Yield the stages that many orders share."""
    waiting: list[Hint] = []
    with app.app_context():
        service = OrderService(db.engine, worker_id=lambda: OWNER, enqueue=waiting.extend)
    stages: dict[str, list[str]] = {"placing": [], "claiming": [], "ending": []}
    for size in BATCHES:
        for name, cost in zip(stages, _batch(service, waiting, size), strict=True):
            stages[name].append(cost)
    yield from stages.items()


def _batch(service: OrderService, waiting: list[Hint], size: int) -> Iterator[str]:
    """Yield the cost per order of placing, claiming and ending so many at once."""
    placing, claiming, settling = costs = [Stopwatch() for _ in range(3)]
    until = time.monotonic() + 3 * SECONDS
    while time.monotonic() < until:
        drafts = [draft() for _ in range(size)]
        waiting.clear()
        with placing:
            service.place(drafts)
        with claiming:
            turn = service.turn([], waiting, sweep_limit=0, worker_id=OWNER)
        endings = [ending(each) for each in turn.claims]
        with settling:
            service.turn(endings, [], sweep_limit=0, worker_id=OWNER)
    yield from (cost.per_order(size) for cost in costs)


def _row(name: str, stage: Callable[[], object]) -> Row:
    stopwatch = Stopwatch()
    times = 20  # at once, so that looking at the clock costs nothing
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with stopwatch:
            for _ in range(times):
                stage()
    return name, [stopwatch.per_order(times)]


def _call(app: Flask, **different: str) -> None:
    environ = {**_ENVIRON, **different, "wsgi.input": BytesIO(_BODY)}
    list(app.wsgi_app(environ, lambda *_: lambda _written: None))


def _work(_order: object) -> None:
    """Do nothing."""


_OUT_OF_THE_ORDINARY = {"CONTENT_TYPE": "application/json; charset=utf-8"}
_BODY = json.dumps(BODIES[0]).encode()
_ENVIRON = EnvironBuilder(
    "/orders", method="POST", data=_BODY, content_type="application/json"
).get_environ()
