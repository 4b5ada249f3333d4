"""What every throw-away database server does: a directory and a port of its own, start to end."""

import os
import shutil
import signal
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

from tests.leash import as_account
from tests.processes import LeashedProcess, StartError, free_port, unprivileged_account

START_SECONDS = 180  # recovery after a SIGKILL is part of a start
STOP_SECONDS = 60
# What the service signs in with: it owns its databases and administers nothing.
USER = PASSWORD = "orders"
REVISION_TABLE = "alembic_version"


class DatabaseServer(ABC):
    """A server that keeps its data and its port from `start` to `start`, until the `with` ends."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]
    refusals: ClassVar[tuple[type[Exception], ...]]  # what its driver raises until it is up
    stop_signal: ClassVar[int]
    patience_seconds = 60  # with a server that says nothing, in what `administer` does

    def __init__(self, parent: Path | None = None) -> None:
        """Lay out a server in a new directory below `parent`, by default the system's /tmp."""
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=parent))
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self._account = unprivileged_account()
        self._process: LeashedProcess | None = None
        if self._account is not None:
            shutil.chown(self.directory, self._account)

    @classmethod
    def missing(cls) -> str | None:
        """Return a sentence if this machine has not got the server's programs, else None."""
        absent = [program for program in cls.programs if find_program(program) is None]
        return f"no {cls.name} server here: {', '.join(absent)} not found" if absent else None

    def __enter__(self) -> Self:
        """Start the server on an empty data directory."""
        try:
            self._run_to_end(self._initialisation())
            self.start()
            self._create_user()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the server and remove its directory."""
        self.close()

    @property
    def pid(self) -> int:
        """The pid of the server's first process."""
        return self._running.pid

    def start(self) -> None:
        """Start on the data that is there; returns when connections are accepted."""
        self._process = LeashedProcess(
            self._command(),
            directory=self.directory,
            log=self.log,
            cwd=self.directory,
            account=self._account,
        )
        self._process.wait_until_ready(self._ready, START_SECONDS)

    def stop(self) -> None:
        """Shut down in order: connections are closed, everything is on disk."""
        self._running.signal(self.stop_signal)
        self._running.wait(STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL to all of the server's processes: they write and say nothing more."""
        self._running.kill()

    def pause(self) -> None:
        """Let the server stand still, connections open, until `resume`."""
        self._running.signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        self._running.signal_all(signal.SIGCONT)

    def close(self) -> None:
        """End the server, whatever its state, and remove its directory."""
        if self._process is not None:
            self._process.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    @abstractmethod
    def url(self, database: str) -> str:
        """Return the `DATABASE_URL` of `database` for the service's own user."""

    @abstractmethod
    def create_database(self, database: str) -> None:
        """Make an empty database that belongs to the service's user."""

    @abstractmethod
    def empty_database(self, database: str) -> None:
        """Remove all rows but the schema's revision, whoever is connected; ids restart at 1."""

    @abstractmethod
    def drop_database(self, database: str) -> None:
        """Remove `database`, whoever is still connected to it."""

    @abstractmethod
    def administer(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as the administrator, outside any transaction; returns its rows.

        `database` is where, None for the server as a whole.
        """

    @property
    def _running(self) -> LeashedProcess:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    def _run_to_end(self, command: list[str]) -> None:
        done = subprocess.run(
            command,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **as_account(self._account),
        )
        if done.returncode:
            raise StartError(f"{command[0]} ended with {done.returncode}\n{done.stdout}")

    def _ready(self) -> bool:
        try:
            self.administer("SELECT 1")
        except self.refusals:
            return False
        return True

    @abstractmethod
    def _initialisation(self) -> list[str]:
        """The command that fills an empty data directory."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command that is the server."""

    @abstractmethod
    def _create_user(self) -> None:
        """Make the service's own user."""


def find_program(program: str) -> str | None:
    """Return the path of a server program, also where Debian keeps them off the PATH."""
    newest_first = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name)
    )
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", *map(str, newest_first)]
    return shutil.which(program, path=os.pathsep.join(places))


def program_path(program: str) -> str:
    """Return the path of a server program; StartError if there is none."""
    path = find_program(program)
    if path is None:
        raise StartError(f"{program} not found")
    return path
