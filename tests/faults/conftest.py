"""Fixtures: a history for the checker's own tests, and the databases that faults are made on."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.databases import SQLiteFile
from tests.faults.history import History
from tests.faults.scene import Site
from tests.faults.sites import server_site


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A history in which nothing has happened yet."""
    return History(tmp_path)


@pytest.fixture(scope="session")
def sites(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Site]:
    """Return the site of a database by its name, on the server the other tests use, too."""

    @cache
    def find(database: str) -> Site:
        if database == "sqlite":
            return Site(database, SQLiteFile(tmp_path_factory.mktemp("sqlite-faults")))
        return server_site(database, request.getfixturevalue(f"{database}_server"))

    return find
