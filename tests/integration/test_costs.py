"""What orders cost the database, counted and not timed: the same on every machine."""

from datetime import datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor

from app import round_trip
from app.orders.lifecycle import OrderStatus
from app.orders.listing import Selection
from app.orders.selected import SelectedMoves
from app.orders.service import OrderService
from app.round_trip import Result, Statement
from tests.builders import draft, ending
from tests.integration.moves import OWNER, overwrite, place, place_and_claim

run = round_trip._run
BATCHES = pytest.mark.parametrize("size", [1, 16, 256])


class Costs:
    """Counts what is sent; SQLite's BEGIN is a statement only to its driver."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count from now on."""
        self.reset()
        event.listen(engine, "before_cursor_execute", self._note_statement)
        monkeypatch.setattr(round_trip, "_run", self._run)
        event.listen(engine, "commit", self._note_commit)

    def reset(self) -> None:
        """Forget what was counted."""
        self.statements: list[str] = []
        self.round_trips = self.commits = 0

    @property
    def counted(self) -> tuple[int, int]:
        """How many statements and COMMITs there were."""
        return len(self.statements), self.commits

    def _note_statement(self, _connection: object, _cursor: object, sql: str, *_: object) -> None:
        if not sql.startswith("BEGIN"):
            self.statements += sql.split(";\n")
            self.round_trips += 1

    def _run(self, cursor: DBAPICursor, statement: Statement) -> Result:
        self._note_statement(None, None, statement.sql)
        return run(cursor, statement)

    def _note_commit(self, _connection: object) -> None:
        self.commits += 1


@pytest.fixture
def costs(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Costs:
    """What the engine is asked for."""
    return Costs(engine, monkeypatch)


@BATCHES
def test_placing_orders_takes_two_statements_and_a_commit_however_many_they_are(
    service: OrderService, costs: Costs, size: int
) -> None:
    service.place([draft() for _ in range(size)])
    assert costs.counted == (2, 1), costs.statements


@pytest.mark.only_on("mariadb")
def test_placing_and_a_turn_are_one_round_trip_each_where_the_driver_can(
    engine: Engine, service: OrderService, costs: Costs
) -> None:
    service.place([draft(), draft()])
    assert costs.round_trips == 1
    held = place_and_claim(engine, draft(), draft())
    waiting = place(engine, draft())
    costs.reset()
    service.turn([ending(each) for each in held], waiting, sweep_limit=0, worker_id=OWNER)
    assert costs.round_trips == 1


@BATCHES
def test_a_turn_takes_three_statements_and_a_commit_however_many_orders_end_and_begin(
    engine: Engine, service: OrderService, costs: Costs, size: int
) -> None:
    held = place_and_claim(engine, *(draft() for _ in range(size)))
    waiting = place(engine, *(draft() for _ in range(size)))
    costs.reset()
    turn = service.turn([ending(each) for each in held], waiting, sweep_limit=0, worker_id=OWNER)
    assert (turn.ended, len(turn.claims)) == (size, size)
    assert costs.counted == (3, 1), costs.statements


@BATCHES
@pytest.mark.parametrize(("left_over", "more"), [(1, 1), (0, 2)])
def test_a_turn_that_sweeps_takes_a_statement_more_and_one_for_retries_if_the_sweep_is_full(
    engine: Engine, service: OrderService, costs: Costs, size: int, left_over: int, more: int
) -> None:
    held = place_and_claim(engine, *(draft() for _ in range(size)))
    place(engine, *(draft() for _ in range(size)))
    costs.reset()
    endings = [ending(each) for each in held]
    turn = service.turn(endings, [], sweep_limit=size + left_over, worker_id=OWNER)
    assert (turn.ended, len(turn.claims)) == (size, size)
    assert costs.counted == (3 + more, 1), costs.statements


def test_a_full_sweep_that_has_come_to_retries_looks_for_no_others(
    engine: Engine, service: OrderService, costs: Costs
) -> None:
    for each in place(engine, draft(), draft()):
        overwrite(engine, each.id, available_at=datetime(2020, 1, 1))  # noqa: DTZ001 -- as the tables have it
    costs.reset()
    turn = service.turn([], [], sweep_limit=2, worker_id=OWNER)
    assert len(turn.claims) == 2
    assert costs.counted == (3, 1), costs.statements  # sweep, claim, counters


def test_a_sweep_that_finds_nothing_is_one_statement(service: OrderService, costs: Costs) -> None:
    service.turn([], [], sweep_limit=1, worker_id=OWNER)
    assert costs.counted == (1, 1), costs.statements


def test_a_request_asks_the_database_for_nothing_but_its_order(
    client: FlaskClient, costs: Costs
) -> None:
    body = {"user_id": 1, "item_ids": [1, 2], "total_amount": 5}
    answer = client.post("/orders", json=body, headers={"Idempotency-Key": "first"})
    assert answer.status_code == 201
    assert costs.counted == (2, 1), costs.statements


def test_who_moves_orders_or_names_them_reads_no_items(
    engine: Engine, service: OrderService, client: FlaskClient, costs: Costs
) -> None:
    def readings_of_items() -> list[str]:
        return [sql for sql in costs.statements if sql.startswith("SELECT") and "item_ids" in sql]

    service.place([draft("A-1"), draft()])
    pending = Selection(OrderStatus.PENDING, oldest_first=True)
    assert SelectedMoves(engine, worker_id=lambda: OWNER).cancel(pending).moved == 2
    assert client.get("/orders/metrics?getOrderIds=true").status_code == 200
    assert readings_of_items() == []
    assert client.post("/orders/A-1/retry").status_code == 200
    assert len(readings_of_items()) == 1  # those that the answer shows
