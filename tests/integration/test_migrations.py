"""The migrations: they lead to the model, one DDL statement at a time, and back to nothing."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from sqlalchemy import Engine, create_engine, event, inspect, text

from app import create_app, migrating, schema
from app.database import db
from app.errors import ConfigurationError
from app.schema import MIGRATIONS
from app.settings import Settings
from tests.conftest import DATABASES

REVISIONS = list(ScriptDirectory(str(MIGRATIONS)).walk_revisions())
SECONDS = 30


@pytest.fixture(params=DATABASES)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A function that makes an empty database and returns its URL."""
    if request.param not in (request.config.getoption("database") or DATABASES):
        pytest.skip("another database was asked for")
    made: list[str] = []
    server = (
        None if request.param == "sqlite" else request.getfixturevalue(f"{request.param}_server")
    )

    def make() -> str:
        name = f"empty{len(made)}"
        made.append(name)
        if server is None:
            return f"sqlite:///{tmp_path / name}.db"
        server.create_database(name)
        return server.url(name)

    yield make
    for name in made if server else ():
        server.drop_database(name)


@pytest.fixture
def app(empty_database: Callable[[], str]) -> Iterator[Flask]:
    """The application on an empty database, in its context."""
    application = create_app(Settings(database_url=empty_database()))
    with application.app_context():
        yield application
        db.engine.dispose()


@pytest.fixture
def engine(app: Flask) -> Engine:
    return db.engine


@pytest.fixture
def ddl() -> Iterator[list[str]]:
    """Every statement, of any engine, that changes a schema of ours."""
    statements: list[str] = []

    def listen(*arguments: Any) -> None:
        statement = arguments[2].strip()
        if statement.split()[0] in {"CREATE", "ALTER", "DROP"} and "alembic" not in statement:
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", listen)
    yield statements
    event.remove(Engine, "before_cursor_execute", listen)


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def shape(engine: Engine) -> dict[str, Any]:
    """Return all that the database says about our tables, comparable with another's."""
    found = inspect(engine)
    return {
        table: {
            "columns": [
                {**column, "type": repr(column["type"])} for column in found.get_columns(table)
            ],
            "primary key": found.get_pk_constraint(table)["constrained_columns"],
            "unique": {tuple(each["column_names"]) for each in found.get_unique_constraints(table)},
            "indexes": {
                each["name"]: (each["column_names"], each["unique"])
                for each in found.get_indexes(table)
                if not each["unique"]
            },
            "checks": {
                each["name"]: each["sqltext"] for each in found.get_check_constraints(table)
            },
        }
        for table in tables(engine)
    }


def test_a_database_is_migrated_from_nothing_and_back_to_nothing(engine: Engine) -> None:
    assert not schema.is_migrated(engine)
    for _ in range(2):
        migrating.migrate(engine)
        assert schema.is_migrated(engine)
        assert tables(engine) == set(db.metadata.tables)
        flask_migrate.downgrade(revision="base")
        assert not schema.is_migrated(engine)
        assert tables(engine) == set()


def test_the_revision_of_the_last_name_is_the_one_that_alembic_ends_with() -> None:
    assert schema._head() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


def test_every_revision_is_one_statement_each_way(engine: Engine, ddl: list[str]) -> None:
    """MySQL commits each by itself: a revision of two could stop in between."""
    for number, revision in enumerate(reversed(REVISIONS), 1):
        flask_migrate.upgrade(revision=revision.revision)
        assert len(ddl) == number, ddl
    for number, _ in enumerate(REVISIONS, len(REVISIONS) + 1):
        flask_migrate.downgrade()
        assert len(ddl) == number, ddl


def test_migrating_twice_changes_nothing(engine: Engine, ddl: list[str]) -> None:
    migrating.migrate(engine)
    ddl.clear()
    migrating.migrate(engine)
    assert ddl == []


def test_the_migrations_lead_to_the_model(
    engine: Engine, empty_database: Callable[[], str]
) -> None:
    migrating.migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []
    from_model = create_engine(empty_database())
    db.metadata.create_all(from_model)
    assert shape(engine) == shape(from_model)
    from_model.dispose()


def test_an_unfinished_migration_is_no_migration(engine: Engine) -> None:
    flask_migrate.upgrade(revision="0001")
    assert not schema.is_migrated(engine)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/create_order"), ("POST", "/orders/bulk"), ("GET", "/orders"), ("GET", "/metrics")],
)
def test_before_it_is_migrated_the_service_says_so_and_when_to_come_back(
    app: Flask, method: str, path: str
) -> None:
    order = {"user_id": 1, "item_ids": [1], "total_amount": 1}
    body = {"orders": [order]} if path.endswith("bulk") else order
    answer = app.test_client().open(path, method=method, json=body if method == "POST" else None)
    assert answer.status_code == 503
    assert answer.json["code"] == "unavailable"
    assert answer.json["detail"] == "the database is not migrated"
    assert int(answer.headers["Retry-After"]) >= 1


def test_of_several_that_migrate_at_once_one_does_it(
    app: Flask, engine: Engine, ddl: list[str]
) -> None:
    errors: list[Exception] = []
    together = threading.Barrier(3)

    def migrate() -> None:
        with app.app_context():
            together.wait(SECONDS)
            try:
                migrating.migrate(engine)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the test shows it
                errors.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
    assert errors == []
    assert len(ddl) == len(REVISIONS)


def test_who_waits_too_long_for_another_migration_says_so(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "LOCK_WAIT_SECONDS", 0)
    with (
        migrating._lock(engine),
        pytest.raises(ConfigurationError, match="somebody else is migrating"),
    ):
        migrating.migrate(engine)
    assert tables(engine) == set()


@pytest.mark.parametrize("empty_database", ["mariadb"], indirect=True)
def test_tables_are_transactional_and_compare_ids_byte_by_byte(engine: Engine) -> None:
    migrating.migrate(engine)
    with engine.connect() as connection:
        engines = connection.execute(
            text(
                "SELECT DISTINCT engine FROM information_schema.tables"
                " WHERE table_schema = DATABASE() AND table_name <> 'alembic_version'"
            )
        )
        assert engines.scalars().all() == ["InnoDB"]
        collations = connection.execute(
            text(
                "SELECT column_name, collation_name FROM information_schema.columns"
                " WHERE table_schema = DATABASE() AND table_name = 'orders'"
                " AND column_name IN ('order_id', 'user_id')"
            )
        )
        assert dict(map(tuple, collations)) == {
            "order_id": "ascii_bin",
            "user_id": "utf8mb4_bin",
        }
