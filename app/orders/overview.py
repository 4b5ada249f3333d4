"""The use cases of whoever looks on: each is one short transaction that only reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from app.database import AnyRow
from app.orders import counters, workers
from app.orders.history import Step, Window, read_history
from app.orders.lifecycle import COMPLETE
from app.orders.metrics import Metrics, read_metrics
from app.orders.timeline import Timeline, read_timeline
from app.transactions import run_transaction

GONE_FOR: Final = timedelta(minutes=10)
"""So long a worker that is gone is still shown."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Present:
    """How the service stands at one moment."""

    now: datetime
    metrics: Metrics
    workers: Sequence[AnyRow]
    """Those that live, and those that did a short while ago, by id."""
    completed_by: Mapping[int, int]
    """How many orders each worker has completed, by its id; 0 and the gone are missing."""


class Overview:
    """Reads counters, samples and single orders; no cost here grows with the number of orders.

    Args:
        engine: The database.

    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def present(self, now: datetime) -> Present:
        """Return how the service stands."""

        def work(connection: Connection) -> Present:
            return Present(
                now,
                read_metrics(connection, now=now),
                workers.seen_since(connection, now - GONE_FOR),
                counters.by_worker(connection, COMPLETE.name),
            )

        return self._read(work)

    def history(self, window: Window, now: datetime) -> list[Step | None]:
        """Return what happened in the steps of the window; None where nobody worked."""
        return self._read(partial(read_history, window=window, now=now))

    def timeline(self, order_id: str) -> Timeline:
        """Return what is known of the order with this public id.

        Raises:
            OrderNotFoundError: There is none.

        """
        return self._read(partial(read_timeline, order_id=order_id))

    def _read(self, work: Callable[[Connection], T]) -> T:
        return run_transaction(self._engine, work, read_only=True)
