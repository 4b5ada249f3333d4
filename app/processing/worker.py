"""A worker: the parts of one process, wired together. Building one starts nothing."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine

from app.orders.bulk import Bulk, BulkPlacing
from app.orders.bulk_outcomes import Outcome
from app.orders.errors import OverloadedError
from app.orders.lifecycle import Draft, Hint, Placed
from app.orders.manual import ManualMoves
from app.orders.overview import Overview
from app.orders.selected import SelectedMoves
from app.orders.service import OrderService
from app.processing.attempts import RetryPolicy
from app.processing.backlog import Backlog
from app.processing.handlers import load_handler
from app.processing.hints import HintQueue
from app.processing.identity import own_identity
from app.processing.intake import Intake
from app.processing.membership import Membership
from app.processing.processor import Processor
from app.processing.supervisor import Supervisor
from app.processing.waiting import Waiting
from app.settings import Settings

DRAIN_SECONDS: Final = 8


class Worker:
    """One uWSGI worker process: takes orders in, works orders off, stays alive.

    Raises:
        ConfigurationError: `ORDER_HANDLER` names no function.

    """

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.membership = Membership(settings.lease_seconds)
        self.hints = HintQueue()
        self.backlog = Backlog(settings.max_backlog)
        self.service = OrderService(
            engine, worker_id=lambda: self.membership.worker_id, enqueue=self._enqueue
        )
        self._bulk = BulkPlacing(
            engine, worker_id=lambda: self.membership.worker_id, enqueue=self._enqueue
        )
        self.manual = ManualMoves(engine, worker_id=lambda: self.membership.worker_id)
        self.selected = SelectedMoves(engine, worker_id=lambda: self.membership.worker_id)
        self.overview = Overview(engine)
        self.waiting = Waiting(self.service.get, max_requests=settings.threads // 4)
        self._intake: Intake[Draft, Placed] = Intake(self.service.place, threads=settings.threads)
        self.processor = Processor(
            self.service,
            self.hints,
            load_handler(settings.order_handler, settings.processing_seconds),
            RetryPolicy(settings.max_attempts, settings.retry_base_seconds),
            self.membership,
            self.backlog,
            threads=settings.processor_threads,
        )
        self.supervisor = Supervisor(
            engine,
            own_identity(),
            self.membership,
            self.processor,
            self.backlog,
            lease_seconds=settings.lease_seconds,
            max_attempts=settings.max_attempts,
        )

    def place(self, draft: Draft) -> Placed:
        """Return the order once it is durable.

        Raises:
            OrderError: It was not written, or may not have been.

        """
        self._check_backlog()
        return self._intake.submit(draft)

    def place_bulk(self, bulk: Bulk) -> list[Outcome]:
        """Return what became of each order, once those that can be are durable.

        Raises:
            OrderError: None was written, or it is not known whether.

        """
        self._check_backlog()
        return self._bulk.place(bulk)

    def start(self) -> None:
        """Start the threads; the worker begins to work once it is registered."""
        self.supervisor.start()
        self.processor.start()

    def stop(self) -> None:
        """Drain: claim nothing more, end what runs, give back the rest, sign off."""
        try:
            self.processor.stop(drain_seconds=DRAIN_SECONDS)
        finally:
            self.supervisor.stop()

    def _check_backlog(self) -> None:
        if self.backlog.full:
            raise OverloadedError("too many orders are waiting, try again later")

    def _enqueue(self, hints: Sequence[Hint]) -> None:
        self.backlog.change(len(hints))
        self.hints.offer(hints)
