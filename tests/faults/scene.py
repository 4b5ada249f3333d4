"""One run of a case: a service on an empty database, what is done to it, and the verdict."""

import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import requests

from tests.acceptance.recount import orders_held_by, recount, workers_signed_on
from tests.databases import MigratedDatabase
from tests.faults.checker import Verdict, judge
from tests.faults.evidence import Allowance, Evidence
from tests.faults.journal import Call, Journal, read_journal
from tests.faults.ledger import HandlerCall, read_ledger
from tests.faults.load import Load, Sender
from tests.faults.rows import OrderRow, read_rows
from tests.faults.script import Script
from tests.faults.standstill import Standstill
from tests.leash import signal_each
from tests.live import LiveService
from tests.processes import wait_until
from tests.servers import DatabaseServer

HANDLER_ACT = "slow:0.004"
LARGEST_BATCH = 13  # what 50 ms have room for at 4 ms an order
WORKED_OFF_SECONDS = 90
WORKER_SECONDS = 120

T = TypeVar("T")


@dataclass(frozen=True)
class Site:
    """A database to run cases on; SQLite has no server."""

    database: str
    databases: MigratedDatabase
    server: DatabaseServer | None = None


class Scene:
    """What a case is handed.

    Args:
        site: The database.
        directory: Where journal and ledger go.
        seed: Of everything that is drawn.
        rounds: How many faults, or seconds, or orders: the case's own measure.

    """

    def __init__(self, site: Site, directory: Path, *, seed: int, rounds: int) -> None:
        self.site = site
        self.directory = directory
        self.rounds = rounds
        self.seed = seed
        self.random = random.Random(seed)
        self.database_url = site.databases.fresh()
        self.ledger = directory / "ledger"
        self.script = Script(otherwise=HANDLER_ACT)
        self.bound_seconds: float | None = None
        self.max_attempts = 5
        self.largest_batch = LARGEST_BATCH
        self.clock_is_true = True
        self.kills = 0
        self.pauses = 0
        self.complaints: list[str] = []
        self.recoveries: list[float] = []
        self._fault_times: list[float] = []
        self._journal = directory / "journal"
        self._standstill = Standstill()
        self._stack = ExitStack()
        self._services: list[LiveService] = []
        self._paused: set[int] = set()
        self._rows: list[OrderRow] | None = None
        self._metrics: dict[str, Any] | None = None

    def __enter__(self) -> Self:
        """Open the journal."""
        self._stack.enter_context(self._standstill)
        self.journal = self._stack.enter_context(Journal(self._journal))
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        """End the services; what they logged is shown if the case could not be run to its end."""
        signal_each(list(self._paused), signal.SIGCONT)
        if failed:
            for service in self._services:
                with suppress(FileNotFoundError):  # of one that never started
                    sys.stderr.write(service.log()[-4000:])
        self._stack.close()

    @property
    def server(self) -> DatabaseServer:
        """The database server; cases for SQLite do not ask."""
        assert self.site.server is not None
        return self.site.server

    def serve(self, *, database_url: str | None = None, **settings: Any) -> LiveService:
        """Start a service; by default its handler takes 4 ms, its lease is 5 s."""
        settings = {
            "threads": 16,
            "ORDER_HANDLER": "tests.faults.handler:handle",
            "LEDGER": self.ledger,
            "LEASE_SECONDS": 5,
            "HANDLER_ACT": self.script.otherwise,
            "HANDLER_SEED": self.script.seed,
            "HANDLER_FAILURE_RATE": self.script.failure_rate,
            "MAX_ATTEMPTS": self.max_attempts,
            "RETRY_BASE_SECONDS": 0.1,
        } | settings
        service = LiveService(database_url or self.database_url, **settings)
        self._services.append(service)
        return self._stack.enter_context(service)

    def load(self, service: LiveService, **options: Any) -> Load:
        """Return a load on this service, to be entered."""
        return Load(service.url, self.journal, **options)

    def sender(self, service: LiveService, **options: Any) -> Sender:
        """Return a single client of this service."""
        sender = Sender(service.url, self.journal, **options)
        self._stack.callback(sender.close)
        return sender

    def move_to(self, site: Site) -> None:
        """Go on with another database, before anything is served."""
        self.site = site
        self.database_url = site.databases.fresh()

    def close_services(self) -> None:
        """End the services before what they stand on goes away."""
        for service in self._services:
            service.close()

    def keep_rows(self) -> None:
        """Read the rows for the verdict now, before the database goes away."""
        self._rows = read_rows(self.database_url)

    def use(self, resource: AbstractContextManager[T]) -> T:
        """Enter a context that ends with the scene."""
        return self._stack.enter_context(resource)

    def fault_over(self) -> None:
        """Note that a fault is over now."""
        self._fault_times.append(time.time())

    @property
    def standstill_seconds(self) -> float:
        """How long the machine has stood still so far."""
        return self._standstill.seconds

    def recovered(self, condition: Callable[[], object], bound_seconds: float, what: str) -> None:
        """Wait for `condition`, complaining if it takes longer than its bound.

        The time the machine stands still meanwhile does not count.
        """
        began = time.monotonic() - self.standstill_seconds
        try:
            wait_until(lambda: bool(condition()), bound_seconds + WORKER_SECONDS, what)
        except TimeoutError as error:
            self.complaints.append(str(error))
        seconds = time.monotonic() - self.standstill_seconds - began
        self.recoveries.append(seconds)
        self.expect(seconds <= bound_seconds, f"{what}: after {seconds:.1f} s")

    def expect(self, holds: bool, complaint: str) -> None:
        """Complain unless it holds."""
        if not holds:
            self.complaints.append(complaint)

    def pause_before(self, shortest: float = 0.3, longest: float = 1.0) -> None:
        """Let the load go on for a moment, drawn."""
        time.sleep(self.random.uniform(shortest, longest))

    def all_workers(self, service: LiveService, processes: int = 2) -> list[int]:
        """Return the pids of the workers, once there are as many as there should be."""
        wait_until(
            lambda: len(service.worker_pids()) == processes and self.signed_on() >= processes,
            WORKER_SECONDS,
            f"{processes} workers",
        )
        return service.worker_pids()

    def kill_worker(self, service: LiveService) -> int:
        """SIGKILL to one of its workers; returns its pid."""
        victim = self.random.choice(self.all_workers(service))
        with suppress(ProcessLookupError):  # an order may have killed it just now
            service.kill_worker(victim)
            self.kills += 1
        self.fault_over()
        return victim

    @contextmanager
    def worker_paused(self, pid: int) -> Iterator[None]:
        """SIGSTOP to a worker, SIGCONT at the end."""
        self._paused.add(pid)
        signal_each([pid], signal.SIGSTOP)
        try:
            yield
        finally:
            signal_each([pid], signal.SIGCONT)
            self._paused.discard(pid)
            self.pauses += 1
            self.fault_over()

    def holds_nothing(self, pid: int) -> bool:
        """Whether no order is PROCESSING in the hands of the worker with this pid."""
        return not orders_held_by(self.database_url, pid)

    def signed_on(self) -> int:
        """How many workers are not retired."""
        return workers_signed_on(self.database_url)

    def counted(self, name: str) -> int:
        """How often a transition has happened."""
        return recount(self.database_url).counters.get(name, 0)

    def rows(self) -> list[OrderRow]:
        """Every order as it stands."""
        return read_rows(self.database_url) if self._rows is None else self._rows

    def calls(self) -> list[Call]:
        """The journal so far."""
        return read_journal(self._journal)

    def calls_of_handler(self) -> list[HandlerCall]:
        """The ledger so far."""
        return read_ledger(self.ledger)

    def worked_off(self, service: LiveService, seconds: float = WORKED_OFF_SECONDS) -> None:
        """Wait until every order is at its end; the verdict tells of those that are not."""
        with suppress(TimeoutError):
            wait_until(lambda: _nothing_is_left(service), seconds, "orders worked off")
        self._metrics = _metrics(service)

    def verdict(self) -> Verdict:
        """Judge what was left behind."""
        allowance = Allowance(
            kills=self.kills,
            pauses=self.pauses,
            largest_batch=self.largest_batch,
            max_attempts=self.max_attempts,
            bound_seconds=self.bound_seconds,
            fault_times=tuple(self._fault_times),
            script=self.script,
        )
        return judge(
            Evidence(
                calls=self.calls(),
                rows=self.rows(),
                ledger=self.calls_of_handler(),
                metrics=self._metrics,
                allowance=allowance,
            )
        )


def _nothing_is_left(service: LiveService) -> bool:
    metrics = _metrics(service)
    return metrics is not None and metrics["pending_count"] + metrics["processing_count"] == 0


def _metrics(service: LiveService) -> dict[str, Any] | None:
    """Return what the service says of itself; None while it says nothing."""
    with suppress(requests.RequestException, ValueError):
        answer = requests.get(f"{service.url}/metrics", timeout=20)
        if answer.status_code == requests.codes.ok:
            metrics: dict[str, Any] = answer.json()
            return metrics
    return None
