"""The schema's version: bringing a database up to date, and telling whether it is."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import flask_migrate
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from app.errors import ConfigurationError
from app.settings import PROJECT
from app.transactions import run_transaction

LOCK_WAIT_SECONDS: Final = 60
_TAKE_LOCK: Final = {
    "mysql": text("SELECT GET_LOCK('orders schema', 1)"),
    "postgresql": text("SELECT pg_try_advisory_lock(hashtext('orders schema'))"),
}


def migrate(engine: Engine) -> None:
    """Bring the database up to date; of several that try at once, one does it.

    Raises:
        ConfigurationError: Somebody else has been migrating for `LOCK_WAIT_SECONDS`.

    """
    with _lock(engine):
        flask_migrate.upgrade()


def is_migrated(engine: Engine) -> bool:
    """Tell whether the database has the schema this code was written for.

    Raises:
        UnavailableError: The database does not say.

    """
    try:
        return run_transaction(engine, _version, read_only=True) == _head()
    except DBAPIError:  # there is no such table: no migration ever ran
        return False


def _version(connection: Connection) -> str | None:
    version: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return version


@cache
def _head() -> str | None:
    return ScriptDirectory(str(PROJECT / "migrations")).get_current_head()


@contextmanager
def _lock(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        with Path(f"{engine.url.database}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # the file stays: to delete it would break the lock
            yield
        return
    # A connection without the service's time limits: it is held for as long as it takes.
    own = create_engine(engine.url)
    try:
        with own.connect() as connection:
            _take_lock(connection)
            yield
    finally:
        own.dispose()


def _take_lock(connection: Connection) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not connection.execute(_TAKE_LOCK[connection.dialect.name]).scalar():
        if time.monotonic() > deadline:
            raise ConfigurationError("DATABASE_URL: somebody else is migrating this database")
        time.sleep(0.2)
