"""A worker's processor and supervisor on a bench: no thread runs, each step is taken by hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sqlalchemy import Engine

from app.orders.service import OrderService
from app.orders.workers import ProcessIdentity
from app.processing.attempts import RetryPolicy
from app.processing.backlog import Backlog
from app.processing.handlers import Order
from app.processing.hints import HintQueue
from app.processing.identity import own_identity
from app.processing.membership import Membership
from app.processing.processor import Processor
from app.processing.supervisor import Supervisor
from tests.builders import draft
from tests.integration.moves import statuses

MAX_HINTS = 3
MAX_BACKLOG = 1000
LONG_SECONDS = 1000
LEASE_SECONDS = 15
MAX_ATTEMPTS = 3


@dataclass
class Bench:
    """One worker with all it consists of but its threads and its HTTP side."""

    engine: Engine
    threads: int = 1
    base_seconds: float = 0.001
    handle: Callable[[Order], object] = lambda _order: None
    identity: ProcessIdentity = field(default_factory=own_identity)

    def __post_init__(self) -> None:
        self.handled: list[Order] = []
        self.hints = HintQueue(MAX_HINTS)
        self.membership = Membership(LONG_SECONDS)
        self.backlog = Backlog(MAX_BACKLOG)
        self.service = OrderService(
            self.engine, worker_id=lambda: self.worker_id, enqueue=self.hints.offer
        )
        self.processor = Processor(
            self.service,
            self.hints,
            self._handle,
            RetryPolicy(MAX_ATTEMPTS, self.base_seconds),
            self.membership,
            self.backlog,
            threads=self.threads,
        )
        self.supervisor = Supervisor(
            self.engine,
            self.identity,
            self.membership,
            self.processor,
            self.backlog,
            lease_seconds=LEASE_SECONDS,
            max_attempts=MAX_ATTEMPTS,
        )
        self.supervisor.tick()

    @property
    def worker_id(self) -> int:
        """What the process is registered as."""
        return self.membership.worker_id

    def place(self, *order_ids: str) -> None:
        """Place orders, which leaves hints."""
        for order_id in order_ids:
            self.service.place([draft(order_id)])

    def place_and_claim(self, *order_ids: str) -> None:
        """Place orders and claim all of them, which leaves no hints."""
        self.become_fast()
        self.sweep_later()
        self.place(*order_ids)
        self.processor.step()

    def step(self, times: int = 1) -> None:
        """Take steps of the processor."""
        for _ in range(times):
            self.processor.step()

    def step_until(self, *expected: str) -> None:
        """Take steps of the processor until the orders, by id, stand so."""
        deadline = time.monotonic() + 60
        while statuses(self.engine) != list(expected):
            assert time.monotonic() < deadline, statuses(self.engine)
            self.step()

    def become_fast(self) -> None:
        """Let the processor believe its handler to be fast: it claims hundreds at once."""
        for _ in range(50):
            self.processor._pace.record(1, 0)

    def sweep_later(self) -> None:
        """Put the next sweep off for long."""
        self.processor._sweep_at = time.monotonic() + LONG_SECONDS

    @property
    def handled_ids(self) -> list[str]:
        """The order ids of every call of the handler."""
        return [order.order_id for order in self.handled]

    def _handle(self, order: Order) -> None:
        self.handled.append(order)
        self.handle(order)


def dead_process() -> ProcessIdentity:
    """Return the identity of a process of this host whose pid was given to another since."""
    return replace(own_identity(), pid_started=1)
