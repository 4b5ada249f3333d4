"""Bringing a database up to date. Imports Alembic, which no worker needs."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Final

import flask_migrate
from flask import Flask
from sqlalchemy import Engine, create_engine, text

from app.database import db
from app.errors import ConfigurationError
from app.schema import MIGRATIONS

LOCK_WAIT_SECONDS: Final = 60
_TAKE_LOCK: Final = {
    "mysql": text("SELECT GET_LOCK('orders schema', 1)"),
    "postgresql": text("SELECT pg_try_advisory_lock(hashtext('orders schema'))"),
}


def register_migrations(app: Flask) -> None:
    """Let `flask db`, and `migrate` in this application's context, find the revisions."""
    flask_migrate.Migrate(app, db, directory=str(MIGRATIONS))


def migrate(engine: Engine) -> None:
    """Bring the database up to date; of several that try at once, one does it.

    Raises:
        ConfigurationError: Somebody else has been migrating for `LOCK_WAIT_SECONDS`.

    """
    with _lock(engine):
        flask_migrate.upgrade()


@contextmanager
def _lock(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "sqlite":
        with Path(f"{engine.url.database}.lock").open("w") as file:
            _wait_for(partial(_lock_file, file))  # the file stays: to delete it breaks the lock
            yield
        return
    # A connection without the service's time limits: it is held for as long as it takes.
    own = create_engine(engine.url)
    try:
        with own.connect() as connection:
            take_lock = _TAKE_LOCK[engine.dialect.name]
            _wait_for(lambda: connection.execute(take_lock).scalar())
            yield
    finally:
        own.dispose()


def _lock_file(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(take_lock: Callable[[], object]) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while not take_lock():
        if time.monotonic() > deadline:
            raise ConfigurationError("DATABASE_URL: somebody else is migrating this database")
        time.sleep(0.2)
