"""What keeps the service from starting, said in one sentence that names the variable."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine

from app.database import engine_options, prepare_engine
from app.errors import ConfigurationError
from app.preflight import check_database, check_port
from app.settings import Settings
from tests.processes import free_port
from tests.servers import DatabaseServer, MariaDB

only_on = pytest.mark.only_on


def check(settings: Settings) -> None:
    """Check the database of these settings as a start does."""
    engine = create_engine(settings.url, **engine_options(settings.url, threads=1))
    prepare_engine(engine)
    try:
        check_database(engine, settings)
    finally:
        engine.dispose()


def complaint(settings: Settings) -> str:
    """Return what is said about the database of these settings; fails if nothing is."""
    with pytest.raises(ConfigurationError, match=r"^DATABASE_URL: ") as refusal:
        check(settings)
    assert "\n" not in refusal.value.message
    return refusal.value.message


@contextmanager
def changed(server: DatabaseServer, change: str, back: str) -> Iterator[None]:
    """Let the server run with another setting for a while."""
    server.administer(change)
    try:
        yield
    finally:
        server.administer(back)


# --- the port ------------------------------------------------------------------------------------


def test_a_free_port_is_fine() -> None:
    check_port("127.0.0.1", free_port())


def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        with pytest.raises(
            ConfigurationError, match=rf"^HOST, PORT: .*127\.0\.0\.1:{port}.*in use"
        ):
            check_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_machines_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"cannot listen on {host}"):
        check_port(host, free_port())


# --- the database --------------------------------------------------------------------------------


def test_the_tests_own_databases_are_fine(engine: Engine, settings: Settings) -> None:
    check_database(engine, settings)


@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_database_that_cannot_be_reached_is_named_without_its_password(scheme: str) -> None:
    port = free_port()
    settings = Settings(database_url=f"{scheme}://u:s3cret@127.0.0.1:{port}/orders")
    said = complaint(settings)
    assert f"127.0.0.1:{port}/orders" in said
    assert "s3cret" not in said


@only_on("mariadb", "postgresql")
def test_a_database_that_is_not_there_is_named(settings: Settings, server: DatabaseServer) -> None:
    url = settings.url.set(database="another").render_as_string(hide_password=False)
    assert "/another" in complaint(Settings(database_url=url))


@only_on("mariadb")  # the tests' PostgreSQL trusts everybody on its own host
def test_a_password_that_is_wrong_is_called_so_and_not_shown(
    settings: Settings, server: DatabaseServer
) -> None:
    url = settings.url.set(password="s3cret").render_as_string(hide_password=False)
    said = complaint(Settings(database_url=url))
    assert "Access denied" in said
    assert "s3cret" not in said


@only_on("mariadb")
def test_a_parameter_that_the_driver_does_not_know_is_named(
    settings: Settings, server: DatabaseServer
) -> None:
    url = settings.url.update_query_dict({"bogus": "1"}).render_as_string(hide_password=False)
    said = complaint(Settings(database_url=url))
    assert said.startswith("DATABASE_URL: ")
    assert "bogus" in said


def test_the_directory_of_an_sqlite_file_is_made(tmp_path: Path) -> None:
    check(Settings(database_url=f"sqlite:///{tmp_path}/a/b/orders.db"))
    assert (tmp_path / "a" / "b").is_dir()


def test_an_sqlite_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no directory")
    assert f"{tmp_path}/a" in complaint(Settings(database_url=f"sqlite:///{tmp_path}/a/orders.db"))


def test_an_sqlite_file_that_is_a_directory_is_named(tmp_path: Path) -> None:
    assert str(tmp_path) in complaint(Settings(database_url=f"sqlite:///{tmp_path}"))


UNSAFE = {
    "mariadb": [
        (
            "innodb_flush_log_at_trx_commit",
            "SET GLOBAL innodb_flush_log_at_trx_commit = 2",
            "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
        )
    ],
    "postgresql": [
        (
            "synchronous_commit",
            "ALTER ROLE orders SET synchronous_commit = off",
            "ALTER ROLE orders RESET synchronous_commit",
        )
    ],
}


@only_on("mariadb", "postgresql")
def test_a_server_that_forgets_what_it_has_committed_is_refused(
    settings: Settings, server: DatabaseServer
) -> None:
    for name, change, back in UNSAFE[server.name]:
        with changed(server, change, back):
            assert name in complaint(settings)
    check(settings)


@only_on("mariadb", "postgresql")
def test_a_server_that_has_become_forgetful_gets_no_order(
    settings: Settings, server: DatabaseServer, client_of: Callable[[Settings], FlaskClient]
) -> None:
    ((name, change, back),) = UNSAFE[server.name]
    order = {"user_id": 1, "item_ids": [1], "total_amount": 1}
    with changed(server, change, back):
        answer = client_of(settings).post("/orders", json=order)
        assert answer.status_code == 503
        assert f"the server runs with {name}" in answer.json["detail"]
    assert client_of(settings).post("/orders", json=order).status_code == 201


class WithBinaryLog(MariaDB):
    """As one that is replicated, with the default of MariaDB, which does not flush that log."""

    def _command(self) -> list[str]:
        return [*super()._command(), "--log-bin=log", "--server-id=1", "--sync-binlog=0"]


@only_on("mariadb")
def test_a_binary_log_that_is_not_flushed_is_refused(settings: Settings) -> None:
    with WithBinaryLog() as server:
        server.create_database("orders")
        replicated = Settings(database_url=server.url("orders"))
        said = complaint(replicated)
        assert said.endswith("with sync_binlog = 0; orders are safe only with 1")
        server.administer("SET GLOBAL sync_binlog = 1")
        check(replicated)


@only_on("postgresql")
@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_has_not_got_every_letter_is_refused(
    settings: Settings, server: DatabaseServer, encoding: str
) -> None:
    made = f"CREATE DATABASE narrow OWNER orders TEMPLATE template0 ENCODING '{encoding}'"
    with changed(server, f"{made} LC_COLLATE 'C' LC_CTYPE 'C'", "DROP DATABASE narrow"):
        said = complaint(settings.model_copy(update={"database_url": server.url("narrow")}))
    assert f"server_encoding = {encoding}" in said


@only_on("mariadb", "postgresql")
def test_a_server_with_too_few_connections_is_refused_with_both_numbers(
    settings: Settings, server: DatabaseServer
) -> None:
    said = complaint(settings.model_copy(update={"processes": 100, "threads": 8}))
    assert "may need 1005" in said
    assert "100 workers of 8 threads" in said
