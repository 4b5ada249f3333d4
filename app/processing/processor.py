"""The processor: the one thread of a worker that works orders off."""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import islice
from multiprocessing.pool import ThreadPool
from typing import Final

from app.backoff import pause_after
from app.orders.counters import NOBODY
from app.orders.errors import UnavailableError
from app.orders.lifecycle import RELEASE, Claim, Ending, Hint
from app.orders.service import OrderService
from app.processing.attempts import RetryPolicy, attempt
from app.processing.backlog import Backlog
from app.processing.handlers import Handler
from app.processing.hints import HintQueue
from app.processing.membership import Membership
from app.processing.pace import BATCH_SECONDS, Demand, Pace

LINGER_SECONDS: Final = 0.04
"""From one turn to the next, at least, under load, while fewer hints wait than a batch takes: the
batches grow meanwhile."""
LOAD: Final = 4
"""So many orders coming in that time are load."""
SWEEP_SECONDS: Final = 1.0
BACKOFF_SECONDS: Final = (1.0, 2.0)
"""The longest pause after a failure, and after each further one in a row."""
LOOK_SECONDS: Final = 0.5
"""From one look to the next at whether a drain has to do without the processor's thread."""
AWAY_SECONDS: Final = 4.0
"""How long to wait for a heartbeat that gets through, at most, while the database is away."""

log = logging.getLogger(__name__)


class Processor:
    """Claims orders, runs the handler on them and ends them, turn after turn.

    Args:
        service: Moves the orders.
        hints: Where the requests leave the orders they have just placed.
        handler: Is called with each order, outside any transaction.
        policy: When to try again what raised.
        membership: While it does not hold, nothing new is begun.
        backlog: The gauge that falls with each order that has ended.
        threads: How many orders are worked on at once.

    """

    def __init__(
        self,
        service: OrderService,
        hints: HintQueue,
        handler: Handler,
        policy: RetryPolicy,
        membership: Membership,
        backlog: Backlog,
        *,
        threads: int,
    ) -> None:
        self._service = service
        self._hints = hints
        self._attempt = partial(attempt, handler=handler, policy=policy)
        self._membership = membership
        self._backlog = backlog
        self._threads = threads
        self._pace = Pace(at_least=threads)
        self._demand = Demand()
        self._thread = threading.Thread(target=self._run, name="processor", daemon=True)
        self._stopping = threading.Event()
        self._sweep_at = self._progress_at = self._turned_at = time.monotonic()
        self._release_at = float("inf")
        # What this worker holds, between the steps of a turn:
        self._wanted: list[Hint] = []
        self._claims: deque[Claim] = deque()
        self._done: list[Ending] = []
        """No turn has tried to write these yet."""
        self._endings: list[Ending] = []
        """Of the turn that is being written, or in doubt."""
        self._in_doubt = False
        self._running = 0
        """How many of the claims, from the first on, are with the handler now."""
        self._while_it_runs = threading.Lock()
        """Held while a handler runs, to change what the worker holds."""
        self._held_as = NOBODY
        self.current_order: str | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def draining(self) -> bool:
        """True once `stop` was called."""
        return self._stopping.is_set()

    @property
    def idle_seconds(self) -> float:
        """How long ago the processor last got anything done, or looked for something to do."""
        return time.monotonic() - self._progress_at

    @property
    def queue_length(self) -> int:
        """How many hints wait, roughly."""
        return len(self._hints)

    def sweep_soon(self) -> None:
        """Look for orders in the table at the next turn."""
        self._sweep_at = time.monotonic()
        self._hints.wake()

    def stop(self, *, drain_seconds: float) -> bool:
        """Claim nothing more, finish what is claimed, give back what is not begun at half time.

        Returns:
            False if the running order was not done within `drain_seconds`.

        """
        end_at = time.monotonic() + drain_seconds
        self._release_at = end_at - drain_seconds / 2
        self._stopping.set()
        self._hints.wake()
        self._membership.wake()
        self._thread.join(drain_seconds / 2)
        while self._thread.is_alive() and (left := end_at - time.monotonic()) > 0:
            self.end_what_is_done(give_back=True)
            self._thread.join(min(LOOK_SECONDS, left))
        return not self._thread.is_alive()

    def end_what_is_done(self, *, give_back: bool) -> None:
        """End, from another thread, what is done while a handler keeps the processor's own busy.

        Returns at once if none does. What fails is repeated once the handler returns.

        Args:
            give_back: Give back, too, what is not begun.

        """
        with self._while_it_runs:
            if not self._running:
                return
            if give_back:
                self._give_back(list(self._claims)[self._running :])
            if self._done or self._in_doubt:
                with suppress(UnavailableError):
                    self._turn(0)

    def step(self) -> None:
        """Work on what is held, end it, and claim what comes next; waits if there is nothing.

        Raises:
            UnavailableError: The database is away, or has been too long for this worker to be
                sure of its place; everything held is still in hand.

        """
        holds = self._membership.holds  # before the id: a beat may bring a new one just now
        if self._held_as != self._membership.worker_id:
            self._held_as = self._membership.worker_id
            self._claims.clear()  # this worker was retired meanwhile: others have adopted them
        giving_back = time.monotonic() > self._release_at
        if not (giving_back or holds):
            raise UnavailableError("no heartbeat has come through of late")
        if self._in_doubt:
            self._turn(0)  # a COMMIT may have been lost: the same again, before anything is added
            return
        if giving_back:
            self._give_back(list(self._claims))
        self._perform()
        if self._in_doubt:  # by what was written while the handler ran
            return
        limit = self._choose() if self._may_claim() else 0
        if self._done or self._wanted or limit:
            self._turn(limit)

    def _give_back(self, claims: Sequence[Claim]) -> None:
        """Take these, the last ones, out of the hand."""
        self._done += [Ending(claim, RELEASE) for claim in claims]
        for _ in claims:
            self._claims.pop()

    def _may_claim(self) -> bool:
        """Tell whether nothing is in hand and this worker may go on; a pause may have passed."""
        return (
            not self._claims
            and not self._stopping.is_set()
            and self._membership.holds
            and self._membership.worker_id == self._held_as
        )

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set() or self._claims or self._done or self._endings:
            news = self._membership.news
            try:
                self.step()
                failures = 0
                self._progress_at = time.monotonic()
            except UnavailableError as error:
                failures += 1
                log.debug("processor waits for the database: %s", error)
                self._progress_at = time.monotonic()  # to wait is not to hang
                pause = (
                    pause_after(failures, BACKOFF_SECONDS)
                    if self._membership.holds
                    else AWAY_SECONDS
                )
                self._membership.wait_for_news(news, pause)
            except Exception:
                failures += 1
                log.exception("processor goes on after an error")
                time.sleep(pause_after(failures, BACKOFF_SECONDS))

    def _perform(self) -> None:
        """Run handlers for about one batch's time; what is left stays claimed."""
        begun = time.monotonic()
        done = 0
        elapsed = 0.0
        while self._claims and elapsed < BATCH_SECONDS:
            group = list(islice(self._claims, self._threads))
            self.current_order = group[0].hint.order_id
            with self._while_it_runs:
                self._running = len(group)
            try:
                list(self._map(self._work, group))
            finally:
                with self._while_it_runs:
                    self._running = 0
            done += len(group)
            self._progress_at = time.monotonic()
            elapsed = self._progress_at - begun
        self.current_order = None
        if done:
            self._pace.record(done, elapsed)

    def _work(self, claim: Claim) -> None:
        ending = self._attempt(claim)
        with self._while_it_runs:  # only now: whatever goes wrong before, it is still in hand
            self._done.append(ending)
            self._claims.remove(claim)
            self._running -= 1

    @cached_property  # with the first batch, for its threads start at once
    def _map(self) -> Callable[[Callable[[Claim], None], Iterable[Claim]], Iterable[None]]:
        # Daemon threads, unlike an executor's: a handler that hangs does not hold up the exit.
        return ThreadPool(self._threads).map if self._threads > 1 else map

    def _choose(self) -> int:
        """Want the next hints, or return how many orders to take out of the table instead."""
        size = self._pace.batch_size
        until_sweep = self._sweep_at - time.monotonic()
        if until_sweep <= 0 or self._hints.overflowed:
            return size
        if self._demand.per_second * LINGER_SECONDS >= LOAD and len(self._hints) < size:
            time.sleep(max(0, self._turned_at + LINGER_SECONDS - time.monotonic()))
        self._wanted = self._hints.take(size, wait_seconds=0 if self._done else until_sweep)
        return 0

    def _turn(self, sweep_limit: int) -> None:
        if not self._in_doubt:
            self._endings, self._done = self._done, []
        self._in_doubt = True
        self._turned_at = time.monotonic()
        turn = self._service.turn(
            self._endings, self._wanted, sweep_limit=sweep_limit, worker_id=self._held_as
        )
        if sweep_limit and not turn.more:
            # What came in behind this sweep while no hint was taken waits for no further second.
            pause = 0 if self._hints.overflowed else SWEEP_SECONDS * random.uniform(1, 1.4)
            self._sweep_at = time.monotonic() + pause
            self._hints.caught_up()
        self._backlog.change(-turn.ended)
        self._in_doubt = False
        self._endings, self._wanted = [], []
        self._claims += turn.claims
        self._demand.record(len(turn.claims), now=self._turned_at)
