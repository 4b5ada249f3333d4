"""Threads that move the same rows by the service's own use cases, as fast as they can."""

import random
import threading
import time
from contextlib import suppress
from itertools import count

from sqlalchemy import Engine, create_engine

from app.database import engine_options, prepare_engine
from app.orders import store, workers
from app.orders.counters import add, tally_endings
from app.orders.errors import WrongStatusError
from app.orders.lifecycle import RELEASE, RETRY_LATER, Claim, Ending
from app.orders.manual import ManualMoves
from app.orders.service import OrderService
from app.settings import Settings
from app.transactions import run_transaction
from tests.builders import draft, identity
from tests.faults.journal import Journal

CLAIMERS = 4
BATCH = 20
EVERY_OTHER = 2


class Contention:
    """Claims, endings, adoptions, cancels and retries of a hundred orders at once."""

    def __init__(self, database_url: str, journal: Journal) -> None:
        """Work on a migrated database; nothing else may be working there."""
        url = Settings(database_url=database_url).url
        self._engine: Engine = create_engine(url, **engine_options(url, threads=8))
        prepare_engine(self._engine)
        self._journal = journal
        self._until = 0.0
        self._pids = count(10**6)
        self._order_ids: list[str] = []
        self.moves = 0
        self.errors: list[BaseException] = []

    def run(self, keys: list[str], *, seconds: float) -> list[BaseException]:
        """Place an order for each key, move them for so long; returns what went wrong."""
        self._place(keys)
        self._until = time.monotonic() + seconds
        tasks = [*[self._claim_and_end] * CLAIMERS, self._adopt, self._by_hand, self._by_hand]
        threads = [threading.Thread(target=self._repeat, args=(task,)) for task in tasks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._adopt_all()
        self._engine.dispose()
        return self.errors

    def _place(self, keys: list[str]) -> None:
        service = OrderService(self._engine, worker_id=lambda: 0, enqueue=lambda _hints: None)
        for key in keys:
            body = {"user_id": 1, "item_ids": [key], "total_amount": 1}
            call = self._journal.sent("POST", "/orders", key=key, body=body)
            (placed,) = service.place([draft(key, item_ids=[key], total_amount="1", key=key)])
            assert not isinstance(placed, Exception)
            self._journal.answered(call, 201, order_id=key, row_id=placed.id)
            self._order_ids.append(key)

    def _repeat(self, task) -> None:
        while time.monotonic() < self._until:
            try:
                task()
            except BaseException as error:  # noqa: BLE001 -- whatever it is, it is what we look for
                self.errors.append(error)

    def _register(self) -> int:
        me = identity(pid=next(self._pids))
        return run_transaction(self._engine, lambda connection: workers.register(connection, me))

    def _claim_and_end(self) -> None:
        """Work for a short life, then leave something in hand."""
        me = self._register()
        service = OrderService(self._engine, worker_id=lambda: me, enqueue=lambda _hints: None)
        endings: list[Ending] = []
        for _ in range(10):
            turn = service.turn(endings, [], sweep_limit=BATCH, worker_id=me)
            endings = [self._ending(claim) for claim in turn.claims]
            self.moves += len(endings)
        run_transaction(self._engine, lambda connection: workers.leave(connection, me))

    def _ending(self, claim: Claim) -> Ending:
        return Ending(claim, random.choice((RELEASE, RETRY_LATER)))

    def _adopt(self) -> None:
        """Take over from the dead, from time to time from the living."""

        def work(connection) -> None:
            living = workers.alive(connection)
            if living and random.random() < 0.1:
                victim = random.choice(living)
                workers.retire(connection, victim.id, seen_beat=victim.beat)
            add(connection, 0, tally_endings(store.adopt(connection, max_attempts=10**9)))

        run_transaction(self._engine, work)

    def _adopt_all(self) -> None:
        def work(connection) -> None:
            for each in workers.alive(connection):
                workers.leave(connection, each.id)
            add(connection, 0, tally_endings(store.adopt(connection, max_attempts=10**9)))

        run_transaction(self._engine, work)

    def _by_hand(self) -> None:
        """Cancel or retry one of every other order; the rest keep their count of moves."""
        order_id = random.choice(self._order_ids[::EVERY_OTHER])
        manual = ManualMoves(self._engine, worker_id=lambda: 0)
        for action in (manual.cancel, manual.retry):
            self._journal.sent("POST", f"/orders/{order_id}/{action.__name__}")
            with suppress(WrongStatusError):
                action(order_id)
