"""Fixtures: throw-away servers, fresh databases, the application on them."""

import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.database import db
from app.settings import Settings
from tests.conforming import ConformingClient
from tests.databases import MigratedDatabase, ServerDatabase, SQLiteFile
from tests.live import LiveService
from tests.servers import DatabaseServer, MariaDB, PostgreSQL

DATABASES = ("sqlite", "mariadb", "postgresql")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that spares a developer the other databases."""
    parser.addoption(
        "--database",
        action="append",
        choices=DATABASES,
        help="run tests that run on every database on this one only; may be repeated",
    )


def pytest_configure() -> None:
    """Take SIGINT even where a shell that runs this in the background has it ignored.

    What the tests start inherits that, and some of it has to end by SIGINT.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whatever uses a database on every database, or on those that a mark names."""
    if "migrated_database" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("databases")
        wanted = metafunc.config.getoption("database") or DATABASES
        chosen = [each for each in (mark.args if mark else DATABASES) if each in wanted]
        metafunc.parametrize("migrated_database", chosen, indirect=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let what a test printed travel between processes, where a lone surrogate would not."""
    report = yield
    report.sections = [
        (title, content.encode(errors="replace").decode()) for title, content in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[DatabaseServer]:
    """A running MariaDB; a test that stops it must start it again."""
    yield from _running(MariaDB)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[DatabaseServer]:
    """A running PostgreSQL; a test that stops it must start it again."""
    yield from _running(PostgreSQL)


@pytest.fixture(scope="session")
def migrated_databases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], MigratedDatabase]:
    """Return a database by its name, migrated when it is first asked for."""

    @cache
    def find(name: str) -> MigratedDatabase:
        if name == "sqlite":
            return SQLiteFile(tmp_path_factory.mktemp(name))
        return ServerDatabase(request.getfixturevalue(f"{name}_server"))

    return find


@pytest.fixture
def migrated_database(
    request: pytest.FixtureRequest, migrated_databases: Callable[[str], MigratedDatabase]
) -> MigratedDatabase:
    """Each of the databases in turn."""
    return migrated_databases(request.param)


@pytest.fixture
def database_url(migrated_database: MigratedDatabase) -> str:
    """The URL of a migrated database without rows."""
    return migrated_database.fresh()


@pytest.fixture
def settings(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings for that database, the rest at its default; handlers take no time."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return Settings(database_url=database_url, processing_seconds="0")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """The application; it starts nothing."""
    application = create_app(settings)
    application.test_client_class = ConformingClient
    yield application
    with application.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that calls the application without a server, and minds the OpenAPI document."""
    return app.test_client()


@pytest.fixture
def start_service(database_url: str) -> Iterator[Callable[..., LiveService]]:
    """Start services on the test's database, arguments as `LiveService` takes them.

    They end with the test; a failed test shows what they logged.
    """
    with ExitStack() as services:

        def start(**arguments: Any) -> LiveService:
            service = services.enter_context(LiveService(database_url, **arguments))
            services.callback(lambda: sys.stdout.write(service.log()))
            return service

        yield start


def _running(server: type[DatabaseServer]) -> Iterator[DatabaseServer]:
    missing = server.missing()
    if missing is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with server() as running:
        yield running
