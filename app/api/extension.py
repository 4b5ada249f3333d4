"""Where a request finds the worker it is served by."""

from typing import Final, cast

from flask import Flask, current_app

from app.processing.worker import Worker

_NAME: Final = "order_processing"


def attach_worker(app: Flask, worker: Worker) -> None:
    """Make this the worker that serves the app's requests."""
    app.extensions[_NAME] = worker


def worker_of(app: Flask) -> Worker:
    """Return the worker that serves the app's requests."""
    return cast("Worker", app.extensions[_NAME])


def this_worker() -> Worker:
    """Return the worker that serves the current request."""
    return worker_of(current_app)
