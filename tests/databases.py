"""Migrated databases without rows, cheap enough for each test to have one."""

import shutil
from itertools import count
from pathlib import Path
from typing import Protocol

from app import create_app, migrating
from app.database import db
from app.settings import Settings
from tests.servers import DatabaseServer


class MigratedDatabase(Protocol):
    """A schema that is migrated once and handed out empty again and again."""

    def fresh(self) -> str:
        """Return the `DATABASE_URL` of a migrated database that has seen no row yet."""


class SQLiteFile:
    """A copy of one migrated file for each test."""

    def __init__(self, directory: Path) -> None:
        """Migrate a file in `directory`, where the copies will be, too."""
        self._migrated = directory / "migrated.db"
        self._copies = (directory / f"{number}.db" for number in count(1))
        migrate(f"sqlite:///{self._migrated}")

    def fresh(self) -> str:
        """Return the URL of a new copy."""
        copy = next(self._copies)
        shutil.copyfile(self._migrated, copy)
        return f"sqlite:///{copy}"


class ServerDatabase:
    """One database of a server, emptied for each test."""

    name = "orders"

    def __init__(self, server: DatabaseServer) -> None:
        """Create and migrate the database."""
        self._server = server
        self._server.create_database(self.name)
        migrate(self._server.url(self.name))

    def fresh(self) -> str:
        """Return the URL of the database, emptied."""
        self._server.empty_database(self.name)
        return self._server.url(self.name)


def migrate(database_url: str) -> None:
    """Bring a database to the newest schema, as `make run` does."""
    app = create_app(Settings(database_url=database_url))
    with app.app_context():
        migrating.migrate(db.engine)
        db.engine.dispose()
