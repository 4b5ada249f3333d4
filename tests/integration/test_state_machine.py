"""Anything in any order, over the real SQL, against a model of the rules of an order's life."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from sqlalchemy import Connection, Engine, create_engine, delete, event, select

from app.clock import utc_now
from app.database import engine_options, prepare_engine
from app.orders import counters, store, workers
from app.orders.audit import audit
from app.orders.errors import WrongStatusError
from app.orders.lifecycle import (
    COMPLETE,
    ENDS,
    FAIL,
    RELEASE,
    RETRY_LATER,
    Claim,
    Ending,
    OrderStatus,
    Placed,
)
from app.orders.manual import ManualMoves
from app.orders.model import attempts, orders
from app.orders.model import counters as counter_rows
from app.orders.model import workers as worker_rows
from app.orders.pruning import prune
from app.orders.service import OrderService
from app.settings import Settings
from app.transactions import run_transaction
from tests.builders import draft, ending, identity

MAX_ATTEMPTS = 3
STEPS = 50
EXAMPLES = {"sqlite": 300, "mysql": 50, "postgresql": 50}
NUMBERS = st.integers(0, 1000)
PENDING, PROCESSING = OrderStatus.PENDING, OrderStatus.PROCESSING


@dataclass
class Expected:
    """A row as the rules have it."""

    status: OrderStatus = PENDING
    fence: int = 0
    attempts: int = 0
    owner: int | None = None
    solo: bool = False

    def move(self, status: OrderStatus) -> None:
        self.status = status
        self.fence += 1


@dataclass
class Process:
    """A worker as it sees itself; it does not know that it was retired."""

    worker_id: int
    runs: bool = True
    retired: bool = False
    claims: list[Claim] = field(default_factory=list)
    ended: list[Ending] = field(default_factory=list)


class Life(RuleBasedStateMachine):
    """Orders, workers, and what may happen to them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.service = OrderService(engine, worker_id=lambda: 0, enqueue=lambda _hints: None)
        self.manual = ManualMoves(engine, worker_id=lambda: 0)
        self.rows: dict[int, Expected] = {}
        self.drafts: dict[int, Any] = {}
        self.processes: list[Process] = []
        self.keys = count()
        self.in_transaction(_empty)

    def in_transaction(self, work: Any) -> Any:
        return run_transaction(self.engine, work)

    @rule(orders=st.integers(1, 3))
    def place(self, orders: int) -> None:
        drafts = [draft(key=f"key-{next(self.keys)}") for _ in range(orders)]
        for placed in self.service.place(drafts):
            assert isinstance(placed, Placed)
            assert not placed.replayed
            self.rows[placed.id] = Expected()
            self.drafts[placed.id] = placed.draft

    @precondition(lambda self: self.rows)
    @rule(number=NUMBERS)
    def place_again(self, number: int) -> None:
        row_id = self.pick(self.rows, number)
        first = self.drafts[row_id]
        repeated = draft("another-id", item_ids=first.item_ids)._replace(
            idempotency_hash=first.idempotency_hash
        )
        (placed,) = self.service.place([repeated])
        assert isinstance(placed, Placed)
        assert (placed.id, placed.replayed) == (row_id, True)

    @precondition(lambda self: len(self.processes) < 4)
    @rule()
    def start(self) -> None:
        me = identity(pid=len(self.processes) + 1)
        worker_id = self.in_transaction(lambda connection: workers.register(connection, me))
        self.processes.append(Process(worker_id))

    @precondition(lambda self: self.running())
    @rule(number=NUMBERS, limit=st.integers(1, 4))
    def claim(self, number: int, limit: int) -> None:
        process = self.pick(self.running(), number)
        if process.claims or process.retired:  # it holds something, or will notice at its beat
            return
        due = [row_id for row_id in sorted(self.rows) if self.rows[row_id].status is PENDING][
            :limit
        ]
        solo = [self.rows[row_id].solo for row_id in due]
        due = due[: 1 if solo[:1] == [True] else [*solo, True].index(True)]
        turn = self.service.turn([], [], sweep_limit=limit, worker_id=process.worker_id)
        assert sorted(claim.hint.id for claim in turn.claims) == due
        for claim in turn.claims:
            row = self.rows[claim.hint.id]
            row.move(PROCESSING)
            row.attempts += 1
            row.owner = process.worker_id
            assert (claim.fence, claim.attempt) == (row.fence, row.attempts)
        process.claims += turn.claims

    @precondition(lambda self: self.holding())
    @rule(number=NUMBERS, transition=st.sampled_from([COMPLETE, FAIL, RETRY_LATER, RELEASE]))
    def end(self, number: int, transition: Any) -> None:
        """In time or late: a paused worker that was taken over ends what it holds, too."""
        process = self.pick(self.holding(), number)
        claim = process.claims.pop(0)
        attempt = ending(claim, transition)
        row = self.rows.get(claim.hint.id)
        in_time = row is not None and row.fence == claim.fence
        assert self.turn(process, attempt) == ([] if in_time else [attempt])
        if row is not None and in_time:
            row.move(transition.target)
            row.owner = process.worker_id
            process.ended.append(attempt)

    @precondition(lambda self: self.finished())
    @rule(number=NUMBERS)
    def end_again(self, number: int) -> None:
        """As after a COMMIT whose answer was lost: it moves nothing, whatever happened since."""
        process = self.pick(self.finished(), number)
        self.turn(process, process.ended[-1])

    @precondition(lambda self: self.running())
    @rule(number=NUMBERS)
    def pause(self, number: int) -> None:
        self.pick(self.running(), number).runs = False

    @precondition(lambda self: self.paused())
    @rule(number=NUMBERS)
    def go_on(self, number: int) -> None:
        self.pick(self.paused(), number).runs = True

    @precondition(lambda self: self.processes)
    @rule(number=NUMBERS)
    def kill(self, number: int) -> None:
        process = self.pick(self.processes, number)
        process.runs = False
        process.claims, process.ended = [], []

    @precondition(lambda self: self.paused())
    @rule(number=NUMBERS)
    def adopt(self, number: int) -> None:
        process = self.pick(self.paused(), number)
        adopted = self.in_transaction(lambda connection: _take_over(connection, process.worker_id))
        process.retired = True
        retired = {each.worker_id for each in self.processes if each.retired}
        expected = [
            row_id
            for row_id, row in sorted(self.rows.items())
            if row.status is PROCESSING and row.owner in retired
        ]
        assert [each.claim.hint.id for each in adopted] == expected
        for row_id in expected:
            row = self.rows[row_id]
            fails = row.attempts >= MAX_ATTEMPTS
            row.move(OrderStatus.FAILED if fails else PENDING)
            row.owner, row.solo = None, row.solo or not fails

    @precondition(lambda self: self.rows)
    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        row_id = self.pick(self.rows, number)
        row = self.rows[row_id]
        if row.status in {PENDING, OrderStatus.CANCELLED}:
            self.manual.cancel(self.drafts[row_id].order_id)
            if row.status is PENDING:
                row.move(OrderStatus.CANCELLED)
        else:
            with pytest.raises(WrongStatusError):
                self.manual.cancel(self.drafts[row_id].order_id)

    @precondition(lambda self: self.rows)
    @rule(number=NUMBERS)
    def retry(self, number: int) -> None:
        row_id = self.pick(self.rows, number)
        row = self.rows[row_id]
        if row.status in {OrderStatus.FAILED, OrderStatus.CANCELLED}:
            self.manual.retry(self.drafts[row_id].order_id)
            row.move(PENDING)
            row.attempts = 0
        else:
            with pytest.raises(WrongStatusError):
                self.manual.retry(self.drafts[row_id].order_id)

    @precondition(lambda self: self.rows)
    @rule()
    def prune(self) -> None:
        """All that have ended but the newest go; what others still hold of them comes too late."""
        newest = max(self.rows)
        for _ in prune(self.engine, ended_before=utc_now() + timedelta(seconds=1)):
            pass
        self.rows = {
            row_id: row
            for row_id, row in self.rows.items()
            if row.status not in ENDS or row_id == newest
        }

    @invariant()
    def rows_and_counters_are_as_the_rules_have_them(self) -> None:
        found, differences = run_transaction(self.engine, _look, read_only=True)
        assert differences == []
        assert found == {
            row_id: (row.status, row.fence, row.attempts, row.solo)
            for row_id, row in self.rows.items()
        }

    def turn(self, process: Process, attempt: Ending) -> list[Ending]:
        return self.service.turn([attempt], [], sweep_limit=0, worker_id=process.worker_id).stale

    def running(self) -> list[Process]:
        return [each for each in self.processes if each.runs]

    def paused(self) -> list[Process]:
        return [each for each in self.processes if not each.runs]

    def holding(self) -> list[Process]:
        return [each for each in self.running() if each.claims]

    def finished(self) -> list[Process]:
        return [each for each in self.running() if each.ended]

    def pick(self, among: Any, number: int) -> Any:
        return list(among)[number % len(among)]


def _empty(connection: Connection) -> None:
    for table in (orders, attempts, worker_rows, counter_rows):
        connection.execute(delete(table))


def _take_over(connection: Connection, worker_id: int) -> list[Ending]:
    workers.leave(connection, worker_id)
    adopted = store.adopt(connection, max_attempts=MAX_ATTEMPTS)
    counters.add(connection, 0, counters.tally_endings(adopted))
    return adopted


def _look(connection: Connection) -> tuple[dict[int, tuple[Any, ...]], list[Any]]:
    rows = connection.execute(
        select(orders.c.id, orders.c.status, orders.c.fence, orders.c.attempts, orders.c.solo)
    )
    return {row_id: tuple(rest) for row_id, *rest in rows}, audit(connection)


@pytest.mark.timeout(1200)
def test_whatever_happens_in_whatever_order_follows_the_rules(database_url: str) -> None:
    url = Settings(database_url=database_url).url
    engine = create_engine(url, **engine_options(url, threads=1))
    prepare_engine(engine)
    if engine.dialect.name == "sqlite":  # the machine stays up: no need to wait for its disk
        event.listen(engine, "connect", _do_not_sync)
    run_machine(
        lambda: Life(engine),
        settings=settings(
            max_examples=EXAMPLES[engine.dialect.name],
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
    engine.dispose()


def _do_not_sync(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")
