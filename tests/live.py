"""The service as it runs in production: uWSGI, real processes, real signals."""

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.leash import descendants
from tests.processes import LeashedProcess, free_port, wait_until

ROOT = Path(__file__).parent.parent
START_SECONDS = 180  # beside other tests; alone it takes 3
STOP_SECONDS = 40  # what the service promises is 30


class LiveService:
    """One uWSGI master with its workers, which keeps port, settings and log from start to start."""

    def __init__(
        self,
        database_url: str,
        *,
        processes: int = 2,
        threads: int = 8,
        options: Sequence[str] = (),
        **settings: object,
    ) -> None:
        """Lay out a service on a migrated database.

        `options` are uWSGI's and prevail over uwsgi.ini. `settings` are variables of the service's
        environment by their names there; nothing but these and PATH reaches it.
        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._directory = Path(tempfile.mkdtemp(prefix="service-"))
        self._log = self._directory / "log"
        self._stats = self._directory / "stats"
        self._options = options
        self._reload = self._directory / "reload"
        self._reload.touch()
        self._process: LeashedProcess | None = None
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "DATABASE_URL": database_url,
            "PORT": str(self.port),
            "PROCESSES": str(processes),
            "THREADS": str(threads),
            "PROCESSING_SECONDS": "0",
        } | {name: str(value) for name, value in settings.items()}

    def __enter__(self) -> Self:
        """Start the service."""
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the service and remove its log."""
        self.close()

    def start(self, **settings: object) -> None:
        """Start uWSGI, with these settings changed; returns when the service says it is ready."""
        self._environment |= {name: str(value) for name, value in settings.items()}
        uwsgi = Path(sys.executable).with_name("uwsgi")
        # Besides the file in uwsgi.ini, on which every service of these sources has an eye.
        reload = ("--touch-chain-reload", self._reload)
        self._process = LeashedProcess(
            [uwsgi, "--ini", ROOT / "uwsgi.ini", "--stats", self._stats, *reload, *self._options],
            directory=self._directory,
            log=self._log,
            cwd=ROOT,
            env=self._environment,
        )
        self._process.wait_until_ready(self.ready, START_SECONDS)

    def stop(self) -> float:
        """SIGTERM to the master; returns the seconds until the last process was gone."""
        began = time.monotonic()
        self._running.signal(signal.SIGTERM)
        self._running.wait(STOP_SECONDS)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL to the master and all workers."""
        self._running.kill()

    def kill_worker(self, pid: int) -> None:
        """SIGKILL to one worker; returns when it is gone, the master will replace it."""
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: pid not in self._alive(), STOP_SECONDS, f"end of worker {pid}")

    def begin_reload(self) -> None:
        """Have the master exchange the workers one by one; `reloads` tells when it has."""
        os.utime(self._reload)

    def close(self) -> None:
        """End the service, whatever its state, and remove its log."""
        if self._process is not None:
            self._process.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def running(self) -> bool:
        """Whether any process of the service is there."""
        return self._running.running

    @property
    def master_pid(self) -> int:
        """The pid of the uWSGI master."""
        return self._running.pid

    def worker_pids(self) -> list[int]:
        """Return the pids of the workers that are alive, by uWSGI slot; asks the master."""
        alive = self._alive()
        return [worker["pid"] for worker in self._ask_master()["workers"] if worker["pid"] in alive]

    def requests_served(self) -> list[int]:
        """Return how many requests each worker has answered, by uWSGI slot; asks the master."""
        return [worker["requests"] for worker in self._ask_master()["workers"]]

    def busy_threads(self) -> int:
        """Return how many requests the workers have in hand; asks the master."""
        workers = self._ask_master()["workers"]
        return sum(core["in_request"] for worker in workers for core in worker["cores"])

    def ready(self) -> bool:
        """Whether every worker takes requests: a signal reaches only those as one would expect."""
        try:
            if not all(worker["accepting"] for worker in self._ask_master()["workers"]):
                return False
        except OSError:
            return False
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def loaded(self) -> bool:
        """Whether each worker has loaded the application; until then it may miss a signal."""
        alive, log = self._alive(), self.log()
        pids = [worker["pid"] for worker in self._ask_master()["workers"]]
        return all(pid in alive and f"pid: {pid} (default app)" in log for pid in pids)

    def reloads(self) -> int:
        """How often the master has exchanged the workers, up to where the last took requests."""
        return self.log().count("chain reloading complete")

    def log(self) -> str:
        """Return what the service has logged since its first start."""
        return self._log.read_text(errors="replace")

    @property
    def _running(self) -> LeashedProcess:
        if self._process is None:
            raise RuntimeError("the service was not started")
        return self._process

    def _alive(self) -> list[int]:
        return descendants(self.master_pid)

    def _ask_master(self) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._stats))
            with connection.makefile("rb") as answer:
                text = answer.read().decode(errors="replace")  # requests in hand are part of it
        statistics: dict[str, Any] = json.loads(text)
        return statistics
