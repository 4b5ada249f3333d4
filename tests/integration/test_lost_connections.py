"""Connections that break, servers that let nobody in, and what the breaker learns of it."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import NoReturn

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError

from app.breaker import breaker_of
from app.orders.errors import OrderNotFoundError, UnavailableError
from app.orders.lifecycle import Placed
from app.orders.service import OrderService
from app.settings import Settings
from app.transactions import MAX_TRIES, run_transaction
from tests.builders import draft
from tests.integration.moves import totals
from tests.integration.sessions import SESSION, count, kill, session_of
from tests.processes import free_port
from tests.servers import DatabaseServer

only_on = pytest.mark.only_on


@only_on("mariadb", "postgresql")
def test_a_server_that_was_restarted_is_found_past_every_connection_that_was_open(
    engine: Engine, server: DatabaseServer, service: OrderService
) -> None:
    with ExitStack() as stack:
        pooled = [stack.enter_context(engine.connect()) for _ in range(MAX_TRIES + 2)]
        sessions = [session_of(connection) for connection in pooled]
    for session in sessions:
        kill(server, engine, session)
    (placed,) = service.place([draft()])
    assert isinstance(placed, Placed)


READ_ONLY = {
    "mariadb": ("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0"),
    "postgresql": (
        "ALTER ROLE orders SET default_transaction_read_only = on",
        "ALTER ROLE orders RESET default_transaction_read_only",
    ),
}


@only_on("mariadb", "postgresql")
def test_a_server_that_takes_no_writes_is_looked_for_once_more_and_the_log_says_why(
    engine: Engine, server: DatabaseServer, caplog: pytest.LogCaptureFixture
) -> None:
    change, back = READ_ONLY[server.name]
    tries = []

    def work(connection: Connection) -> None:
        tries.append(session_of(connection))
        count(connection)

    server.administer(change)
    engine.dispose()
    try:
        for _ in range(2):
            with pytest.raises(UnavailableError):
                run_transaction(engine, work)
    finally:
        server.administer(back)
    assert len(set(tries)) == len(tries) == 4
    (said,) = [each.getMessage() for each in caplog.records]
    assert re.search("the database refuses: .*read.only", said)
    run_transaction(engine, work)
    assert totals(engine) == {"place": 1}


@only_on("mariadb")  # the tests' PostgreSQL trusts everybody on its own host
def test_a_server_that_lets_nobody_in_is_away(
    settings: Settings, client_of: Callable[[Settings], FlaskClient]
) -> None:
    url = settings.url.set(password="changed").render_as_string(hide_password=False)
    client = client_of(settings.model_copy(update={"database_url": url}))
    for path in ("/orders", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert "migrated" not in answer.text


@only_on("mariadb", "postgresql")
@pytest.mark.parametrize("before", ["its first statement", "its last statement", "its COMMIT"])
def test_a_connection_that_is_killed_costs_nothing(
    engine: Engine, server: DatabaseServer, before: str
) -> None:
    run_transaction(engine, count)
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        for step in ("its first statement", "its last statement"):
            if step == before and len(tries) == 1:
                kill(server, engine, session_of(connection))
            count(connection)
        if before == "its COMMIT" and len(tries) == 1:
            kill(server, engine, session_of(connection))

    run_transaction(engine, work)
    assert len(tries) == 2
    assert totals(engine) == {"place": 3}


@only_on("mariadb", "postgresql")
def test_a_connection_that_is_killed_while_it_is_made_costs_nothing(
    engine: Engine, server: DatabaseServer
) -> None:
    made = []

    def kill_the_first(connection: DBAPIConnection, _record: object) -> None:
        made.append(connection)
        if len(made) == 1:
            cursor = connection.cursor()
            cursor.execute(SESSION[engine.dialect.name])
            kill(server, engine, cursor.fetchone()[0])
            cursor.execute("SELECT 1")

    engine.dispose()
    event.listen(engine, "connect", kill_the_first)
    run_transaction(engine, count)
    assert len(made) == 2
    assert totals(engine) == {"place": 1}


@only_on("mariadb", "postgresql")
def test_connections_that_were_killed_while_nobody_used_them_cost_nothing(
    engine: Engine, server: DatabaseServer
) -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(engine.connect()) for _ in range(3)]
        sessions = [session_of(connection) for connection in connections]
    for session in sessions:
        kill(server, engine, session)
    run_transaction(engine, count)
    assert totals(engine) == {"place": 1}


def test_a_database_that_cannot_be_reached_opens_the_breaker() -> None:
    nowhere = create_engine(f"mysql+pymysql://u:p@127.0.0.1:{free_port()}/orders")
    for _ in range(3):
        with pytest.raises(UnavailableError):
            run_transaction(nowhere, count)
    with pytest.raises(UnavailableError):
        breaker_of(nowhere).check()
    nowhere.dispose()


def test_a_probe_that_fails_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = create_engine(f"mysql+pymysql://u:p@127.0.0.1:{free_port()}/orders")
    breaker = breaker_of(nowhere)
    counted = []
    monkeypatch.setattr(breaker, "opened_by", counted.append)
    breaker._failures = 1
    with pytest.raises(UnavailableError):
        run_transaction(nowhere, count)
    assert len(counted) == 1
    nowhere.dispose()


def test_a_success_after_a_failure_closes_the_breaker(engine: Engine) -> None:
    breaker = breaker_of(engine)
    breaker.opened_by("a test")
    breaker._probe_at = 0.0  # it is time for a probe
    run_transaction(engine, count)
    for _ in range(3):
        breaker.check()


def miss(_connection: Connection) -> NoReturn:
    raise OrderNotFoundError("no such order")


def collide(connection: Connection) -> None:
    for _ in range(2):
        connection.execute(text("INSERT INTO counters (worker_id, name, value) VALUES (1, 'a', 1)"))


@pytest.mark.parametrize(("work", "error"), [(miss, OrderNotFoundError), (collide, IntegrityError)])
def test_a_refusal_is_an_answer_that_closes_the_breaker(
    engine: Engine, work: Callable[[Connection], None], error: type[Exception]
) -> None:
    breaker = breaker_of(engine)
    breaker.opened_by("a test")
    breaker._probe_at = 0.0
    with pytest.raises(error):
        run_transaction(engine, work)
    for _ in range(3):
        breaker.check()
