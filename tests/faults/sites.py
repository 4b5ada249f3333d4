"""The databases the cases run on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.databases import ServerDatabase, SQLiteFile
from tests.faults.scene import Site
from tests.servers import DatabaseServer, MariaDB, PostgreSQL

SERVERS: dict[str, type[DatabaseServer]] = {"mariadb": MariaDB, "postgresql": PostgreSQL}


class FaultsDatabase(ServerDatabase):
    """A database of its own on a server that others use, too."""

    name = "faults"


def server_site(database: str, server: DatabaseServer) -> Site:
    """Return the site on this running server."""
    return Site(database, FaultsDatabase(server), server)


@contextmanager
def site(database: str) -> Iterator[Site]:
    """Yield a site on a server of its own, or on a file."""
    if database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="faults-") as directory:
            yield Site(database, SQLiteFile(Path(directory)))
    else:
        with SERVERS[database]() as server:
            yield server_site(database, server)
