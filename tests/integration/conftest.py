"""Fixtures: the engine, the use cases on it, and the faults only a real server can have."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app, transactions
from app.database import db
from app.orders.service import OrderService
from app.settings import Settings
from tests.conforming import ConformingClient
from tests.integration.bench import Bench
from tests.integration.commits import Commits
from tests.integration.moves import OWNER, Queue, differences
from tests.servers import DatabaseServer

SERVERS = {"mysql": "mariadb_server", "postgresql": "postgresql_server"}


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of this directory."""
    config.addinivalue_line("markers", "only_on(*databases): what the others have not got")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a database has not got, such as SQLite a server."""
    left_out = [item for item in items if not _applies(item)]
    items[:] = [item for item in items if _applies(item)]
    config.hook.pytest_deselected(items=left_out)


def _applies(item: pytest.Item) -> bool:
    marker = item.get_closest_marker("only_on")
    return marker is None or item.callspec.params["migrated_database"] in marker.args


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a transaction tried again however slow the machine was: the service answers in time."""
    monkeypatch.setattr(transactions, "RETRY_WINDOW_SECONDS", 1000)


@pytest.fixture
def engine(app: Flask) -> Iterator[Engine]:
    """The application's engine, in its context."""
    with app.app_context():
        yield db.engine


@pytest.fixture
def client_of() -> Iterator[Callable[[Settings], FlaskClient]]:
    """Make clients of further services, with settings of their own."""
    made: list[Flask] = []

    def make(settings: Settings) -> FlaskClient:
        made.append(create_app(settings))
        made[-1].test_client_class = ConformingClient
        return made[-1].test_client()

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def server(engine: Engine, request: pytest.FixtureRequest) -> DatabaseServer:
    """The server behind the engine; SQLite has none."""
    return request.getfixturevalue(SERVERS[engine.dialect.name])


@pytest.fixture
def queue() -> Queue:
    """What the service has enqueued."""
    return Queue()


@pytest.fixture
def service(engine: Engine, queue: Queue) -> OrderService:
    """The use cases, for the worker `OWNER`."""
    return OrderService(engine, worker_id=lambda: OWNER, enqueue=queue.extend)


@pytest.fixture
def commits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Commits:
    """Loses the answers of commits when told to."""
    return Commits(engine, monkeypatch)


@pytest.fixture
def bench(engine: Engine) -> Iterator[Bench]:
    """A worker that has beaten once; in the end its counters agree with the table."""
    yield Bench(engine)
    assert differences(engine) == []
