"""Fixtures: a history for the checker's own tests, and the databases that faults are made on."""

from collections.abc import Callable
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
    found: dict[str, Site] = {}

    def find(database: str) -> Site:
        if database not in found:
            if database == "sqlite":
                directory = tmp_path_factory.mktemp("sqlite-faults")
                found[database] = Site(database, SQLiteFile(directory))
            else:
                server = request.getfixturevalue(f"{database}_server")
                found[database] = server_site(database, server)
        return found[database]

    return find
