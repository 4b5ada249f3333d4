"""The schema's version: telling whether a database is up to date."""

from functools import cache
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.settings import PROJECT
from app.transactions import run_transaction

MIGRATIONS: Final = PROJECT / "migrations"
NOT_MIGRATED: Final = "the database is not migrated"


def is_migrated(engine: Engine) -> bool:
    """Tell whether the database has the schema this code was written for.

    Raises:
        UnavailableError: The database does not say.

    """
    try:
        return run_transaction(engine, _version, read_only=True) == _head()
    except DBAPIError:  # there is no such table: no migration ever ran
        return False


def lacks_migration(error: Exception, engine: Engine) -> bool:
    """Tell whether an error was raised because the database is not migrated.

    Raises:
        UnavailableError: The database does not say.

    """
    return isinstance(error, DBAPIError) and not is_migrated(engine)


def _version(connection: Connection) -> str | None:
    version: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return version


@cache
def _head() -> str:
    """Return the newest revision's number, which its file's name begins with."""
    newest = max(path.name for path in (MIGRATIONS / "versions").glob("*.py"))
    return newest.partition("_")[0]
