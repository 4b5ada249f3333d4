"""What is measured: applications under the service's uwsgi.ini, each on a database of its own."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

from sqlalchemy import Engine, create_engine

from app.settings import Settings
from bench import naive
from tests.databases import migrate
from tests.leash import descendants
from tests.live import LiveService
from tests.processes import wait_until
from tests.servers import MariaDB

PROCESSES: int = Settings.model_fields["processes"].default
THREADS: int = Settings.model_fields["threads"].default
DRAIN_SECONDS = 60
_STATEMENTS = (
    *("Com_select", "Com_insert", "Com_insert_select", "Com_update", "Com_update_multi"),
    *("Com_delete", "Com_delete_multi"),
)


class Databases:
    """Gives each subject a database of its own: on one throw-away server, or a file."""

    def __init__(self, kind: str) -> None:
        """Start what `kind`, `mariadb` or `sqlite`, needs."""
        self.kind = kind
        self._stack = ExitStack()
        self._directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self._stack.callback(shutil.rmtree, self._directory, ignore_errors=True)
        self._server = self._stack.enter_context(MariaDB()) if kind == "mariadb" else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def create(self, name: str) -> str:
        """Make an empty database and return its URL."""
        if self._server is None:
            return f"sqlite:///{self._directory / name}.db"
        self._server.create_database(name)
        return self._server.url(name)

    def pids(self) -> list[int]:
        """Return the server's processes; none for a file."""
        return [] if self._server is None else [self._server.pid]

    def statements(self) -> tuple[int, int] | None:
        """Return how often tables were read or written, and COMMITs; None for a file."""
        if self._server is None:
            return None
        counts = dict(self._server.administer("SHOW GLOBAL STATUS LIKE 'Com\\_%'"))
        return sum(int(counts[name]) for name in _STATEMENTS), int(counts["Com_commit"])


class Subject(LiveService):
    """An application that serves, and its processes by what they do."""

    def pids(self) -> dict[str, list[int]]:
        """Return the processes that handle requests, by kind."""
        router = [pid for pid in descendants(self.master_pid) if b" http " in _command_line(pid)]
        return {"workers": self.worker_pids(), "router": router}

    def completed(self) -> int:
        """Return how many orders it has worked off."""
        with urlopen(f"{self.url}/metrics", timeout=DRAIN_SECONDS) as answer:
            return int(json.load(answer)["processed_count"])

    def wait_until_completed(self, orders: int) -> None:
        """Return once so many orders, in all, are worked off."""
        wait_until(lambda: self.completed() >= orders, DRAIN_SECONDS, f"{orders} completed")


def service(url: str, **settings: Any) -> Subject:
    """Return the service on an empty database, which this migrates; to be started."""
    migrate(url)
    return Subject(url, processes=PROCESSES, threads=THREADS, **settings)


def noop() -> Subject:
    """Return Flask answering without any work; to be started."""
    options = ("--module", "bench.noop:app")
    return Subject("", processes=PROCESSES, threads=THREADS, options=options)


def as_people_write_it(url: str) -> Subject:
    """Return the naive service on an empty database, which gets its table; to be started."""
    naive.create_table(url)
    options = ("--module", "bench.naive:create_app()")
    return Subject(url, processes=PROCESSES, threads=THREADS, options=options)


@contextmanager
def engine_on(url: str) -> Iterator[Engine]:
    """Yield an engine without the service's time limits."""
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it ended since the listing
        return b""
