"""The supervisor: the second thread of a worker, which keeps it and the others honest."""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine

from app.breaker import breaker_of
from app.clock import utc_now
from app.database import AnyRow
from app.dialects.limits import IDLE_TRANSACTION_SECONDS
from app.orders import counters, samples, store, workers
from app.orders.errors import UnavailableError
from app.orders.lifecycle import Ending, OrderStatus, status_counts
from app.orders.moves import log_moves
from app.orders.workers import ProcessIdentity, WorkerState
from app.processing.backlog import Backlog
from app.processing.handlers import MAX_BACKOFF_SECONDS
from app.processing.membership import Membership
from app.processing.observer import Observer
from app.processing.processor import Processor
from app.transactions import run_transaction

HEARTBEAT_SECONDS: Final = 3
BEATS_PER_LEASE: Final = 5
"""At least: fewer, and a worker would lapse, or its observer take itself for paused, in between."""
HANG_LEASES: Final = 4
"""A processor without progress for so many leases hangs."""
HOUSEKEEPING_SECONDS: Final = 30
ORPHANS_SECONDS: Final = IDLE_TRANSACTION_SECONDS + 4
"""How long after a death to look for orders it left: its last transaction may still lock some."""
LEAVE_SECONDS: Final = 2

log = logging.getLogger(__name__)


class Supervisor:
    """Beats, watches the other workers, takes over what the dead ones held.

    Args:
        engine: The database.
        identity: This process.
        membership: Where the outcome of each beat is kept.
        processor: What is watched for progress.
        backlog: The gauge to refresh.
        lease_seconds: A worker silent for longer is dead.
        max_attempts: An order taken over after so many attempts fails.

    """

    def __init__(
        self,
        engine: Engine,
        identity: ProcessIdentity,
        membership: Membership,
        processor: Processor,
        backlog: Backlog,
        *,
        lease_seconds: float,
        max_attempts: int,
    ) -> None:
        self._engine = engine
        self._identity = identity
        self._membership = membership
        self._processor = processor
        self._backlog = backlog
        self._beat_seconds = min(HEARTBEAT_SECONDS, lease_seconds / BEATS_PER_LEASE)
        self._hang_seconds = lease_seconds * HANG_LEASES
        self._max_attempts = max_attempts
        self._observer = Observer(identity, lease_seconds)
        self._housekeeping_at = time.monotonic() + HOUSEKEEPING_SECONDS
        self._orphans_until = float("-inf")
        self._sampled = 0
        self._stopping = False
        self._awake = threading.Event()
        breaker_of(engine).tell_when_back(self._awake.set)
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the thread; its first beat registers this process as a worker."""
        self._thread.start()

    def stop(self) -> None:
        """Stop beating and leave: whatever this worker still holds is free for the others."""
        self._stopping = True
        self._awake.set()
        self._thread.join(LEAVE_SECONDS)
        self._membership.end()
        try:
            run_transaction(self._engine, self._leave)
        except UnavailableError as error:
            log.warning("the worker could not sign off, its lease will run out: %s", error)

    def tick(self) -> None:
        """Beat once, and take over from whoever does not.

        Raises:
            UnavailableError: The database is away; the lease runs on.

        """
        if self._processor.idle_seconds > self._hang_seconds:
            self._recycle()
            return
        sent_at = time.monotonic()
        worker_id, others = run_transaction(self._engine, self._beat)
        was_retired = self._membership.worker_id not in {counters.NOBODY, worker_id}
        self._membership.renew(worker_id, sent_at=sent_at)
        self._count(now=time.time())
        dead = self._observer.dead(others, now=time.monotonic())
        if dead or was_retired:
            self._orphans_until = time.monotonic() + ORPHANS_SECONDS
        housekeeping = time.monotonic() >= self._housekeeping_at
        if housekeeping or time.monotonic() < self._orphans_until:
            self._take_over(dead)
        if housekeeping:
            self._housekeeping_at = time.monotonic() + HOUSEKEEPING_SECONDS
            run_transaction(self._engine, counters.fold_retired)
            run_transaction(self._engine, workers.forget_retired)
            run_transaction(self._engine, partial(samples.thin_out, now=time.time()))
            self._recall(now=utc_now())
        if self._processor.idle_seconds > self._beat_seconds:  # last: it may fail or take its time
            self._processor.end_what_is_done(give_back=False)

    def _run(self) -> None:
        pause = 0.0
        while True:
            self._awake.wait(pause)
            self._awake.clear()
            if self._stopping:
                return
            pause = self._beat_seconds * random.uniform(0.8, 1)
            try:
                self.tick()
            except UnavailableError as error:
                log.debug("no heartbeat: %s", error)
                pause = max(pause, breaker_of(self._engine).seconds_to_probe)  # or once it is back
            except Exception:
                log.exception("supervisor goes on after an error")

    def _beat(self, connection: Connection) -> tuple[int, list[AnyRow]]:
        worker_id = self._membership.worker_id
        if worker_id == counters.NOBODY or not workers.beat(
            connection,
            worker_id,
            state=WorkerState.DRAINING if self._processor.draining else WorkerState.ACTIVE,
            queue_length=self._processor.queue_length,
            current_order=self._processor.current_order,
        ):
            worker_id = workers.register(connection, self._identity)
        return worker_id, [row for row in workers.alive(connection) if row.id != worker_id]

    def _count(self, *, now: float) -> None:
        """Take a sample, refresh the gauge: once an interval, a filling gauge at each beat."""
        if samples.interval(now) == self._sampled and not self._backlog.filling:
            return
        counts = status_counts(run_transaction(self._engine, partial(_sample, now=now)))
        self._sampled = samples.interval(now)
        self._backlog.refresh(counts[OrderStatus.PENDING] + counts[OrderStatus.PROCESSING])

    def _take_over(self, dead: Sequence[AnyRow]) -> None:
        """Retire the dead and adopt their orders, and any that no active worker owns."""
        work = partial(self._adopt, dead=dead)
        more = True
        while more:
            retired, adopted = run_transaction(self._engine, work)
            more = len(adopted) == store.ADOPTED_AT_ONCE
            for worker in retired:
                log.warning("worker %d (pid %d on %s) is dead", worker.id, worker.pid, worker.host)
            if adopted:
                log.warning("adopted %d orders", len(adopted))
                log_moves((each.transition, each.claim.hint.order_id) for each in adopted)
                self._processor.sweep_soon()

    def _adopt(
        self, connection: Connection, dead: Sequence[AnyRow]
    ) -> tuple[list[AnyRow], list[Ending]]:
        """Return the workers retired by this, and what became of the orders adopted."""
        retired = [
            worker
            for worker in dead
            if workers.retire(connection, worker.id, seen_beat=worker.beat)
        ]
        adopted = store.adopt(connection, max_attempts=self._max_attempts)
        tally = counters.tally_endings(adopted)
        counters.add(connection, self._membership.worker_id, tally)
        return retired, adopted

    def _recall(self, *, now: datetime) -> None:
        latest = now + timedelta(seconds=MAX_BACKOFF_SECONDS)
        recalled = run_transaction(self._engine, partial(store.recall, now=now, latest=latest))
        if recalled:
            log.warning("recalled %d retries: a clock was wrong when they were put off", recalled)
            self._processor.sweep_soon()

    def _leave(self, connection: Connection) -> None:
        workers.leave(connection, self._membership.worker_id)
        adopted = store.adopt(connection, max_attempts=self._max_attempts)
        counters.add(connection, counters.NOBODY, counters.tally_endings(adopted))

    def _recycle(self) -> None:
        """Give up on this process: its processor hangs, and uWSGI starts a new one in its place."""
        log.error("the processor hangs on order %s", self._processor.current_order)
        self._stopping = True
        self._membership.end()
        os.kill(os.getpid(), signal.SIGHUP)


def _sample(connection: Connection, *, now: float) -> dict[str, int]:
    totals = counters.totals(connection)
    samples.take(connection, totals, now=now)
    return totals
