"""The throw-away servers do what the fault tests rely on."""

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.processes import StartError, wait_until
from tests.pytest_in_progress import PytestInProgress
from tests.servers import DatabaseServer

SECONDS = 30
TESTS_IN_PROGRESS = """
import os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_in_progress(SERVER, number):
    Path(FOUND).write_text(f"{SERVER._process.pid} {SERVER.directory}\\n")
    time.sleep(1000)
"""


@pytest.fixture(params=["mariadb_server", "postgresql_server"])
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    return request.getfixturevalue(request.param)


@pytest.fixture
def database(server: DatabaseServer) -> Iterator[str]:
    name = "trial"
    server.create_database(name)
    server.administer("CREATE TABLE kept (id INT PRIMARY KEY)", name)
    server.administer("INSERT INTO kept VALUES (1)", name)
    yield name
    server.drop_database(name)


def rows(server: DatabaseServer, database: str) -> list[tuple[int]]:
    return server.administer("SELECT id FROM kept", database)


def is_gone(path: Path) -> bool:
    return not path.exists()


def test_what_was_committed_survives_a_kill_of_the_server(
    server: DatabaseServer, database: str
) -> None:
    server.kill()
    with pytest.raises(server.refusals):
        rows(server, database)
    server.start()
    assert rows(server, database) == [(1,)]


def test_a_stopped_server_comes_back_on_its_port(server: DatabaseServer, database: str) -> None:
    server.stop()
    with pytest.raises(server.refusals):
        rows(server, database)
    server.start()
    assert rows(server, database) == [(1,)]


def test_a_paused_server_says_nothing_until_it_goes_on(
    server: DatabaseServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.pause()
    monkeypatch.setattr(server, "patience_seconds", 2)
    with pytest.raises(server.refusals):
        rows(server, database)
    monkeypatch.undo()
    server.resume()
    assert rows(server, database) == [(1,)]


def test_the_services_user_makes_tables_in_its_database_but_no_databases(
    server: DatabaseServer, database: str
) -> None:
    engine = create_engine(server.url(database), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE own (id INT)"))
        with pytest.raises(DBAPIError, match="denied"):
            connection.execute(text("CREATE DATABASE another"))


def test_an_emptied_database_counts_from_one_again_whoever_holds_locks(
    server: DatabaseServer, database: str
) -> None:
    engine = create_engine(server.url(database))
    counting = {"mariadb": "BIGINT AUTO_INCREMENT", "postgresql": "BIGSERIAL"}[server.name]
    insert = text("INSERT INTO counted (name) VALUES ('a') RETURNING id")
    with engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE counted (id {counting} PRIMARY KEY, name TEXT)"))
    holder = engine.connect()
    holder.execute(insert)
    server.empty_database(database)
    with engine.begin() as connection:
        assert connection.execute(insert).scalar_one() == 1
    holder.invalidate()
    holder.close()
    engine.dispose()


def test_a_start_that_fails_shows_the_servers_log(server: DatabaseServer) -> None:
    server.stop()
    elsewhere = server.data.rename(server.directory / "elsewhere")
    with pytest.raises(StartError, match="No such file or directory"):
        server.start()
    elsewhere.rename(server.data)
    server.start()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    ("fixture", "processes"),
    [("mariadb_server", 0), ("postgresql_server", 0), ("postgresql_server", 2)],
)
def test_no_server_outlives_its_pytest(
    tmp_path: Path, fixture: str, end: int, processes: int, request
) -> None:
    request.getfixturevalue(fixture)  # skips where there is none
    tests = TESTS_IN_PROGRESS.replace("SERVER", fixture)
    with PytestInProgress(tmp_path, tests, processes=processes) as inner:
        found = [line.split() for line in inner.found()]
        inner.end(end)
        for server, directory in found:
            wait_until(partial(is_gone, Path("/proc", server)), SECONDS, "end of the server")
            wait_until(partial(is_gone, Path(directory)), SECONDS, "removal of its directory")
