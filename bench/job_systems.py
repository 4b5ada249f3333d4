"""Job systems to compare with, working jobs that do nothing off a Redis that keeps nothing."""

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Self

from tests.live import ROOT
from tests.processes import LeashedProcess, free_port

JOBS = {"huey": 20_000, "dramatiq": 10_000, "celery": 4000, "rq": 1500}
"""How many are worked off: enough for two or three seconds."""
NAMES = {"huey": "Huey", "dramatiq": "Dramatiq", "celery": "Celery", "rq": "RQ"}
START_SECONDS = 20
# Debian's redis-tools has the server's program under this name; it is told its part by its own.
_PROGRAM = "redis-check-rdb"


def missing() -> str | None:
    """Return what keeps the job systems from being measured here; None if nothing does."""
    if shutil.which("redis-server") or shutil.which(_PROGRAM):
        return None
    return "no Redis here"


class JobSystems:
    """A throw-away Redis, and workers of the job systems on it."""

    def __init__(self) -> None:
        """Lay out a Redis on a port and in a directory of its own."""
        self._directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self._port = _port()
        self._stack = ExitStack()
        self._stack.callback(shutil.rmtree, self._directory, ignore_errors=True)

    def __enter__(self) -> Self:
        program = self._directory / "redis-server"
        program.symlink_to(shutil.which("redis-server") or str(shutil.which(_PROGRAM)))
        command = [program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        self._run([*map(str, command), "--appendonly", "no"], "redis").wait_until_ready(
            self._answers, START_SECONDS
        )
        os.environ["REDIS_PORT"] = str(self._port)  # the modules read it when they are imported
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def work_off(self, name: str, pace: Callable[[Callable[[], int], int], float]) -> float:
        """Enqueue jobs, start two workers, and return the pace at which they were done."""
        system: ModuleType = importlib.import_module(f"bench.jobs.{name}_jobs")
        jobs = JOBS[name]
        system.enqueue(jobs)
        workers = [self._run(command, name) for command in system.workers()]
        try:
            return pace(lambda: jobs - system.waiting(), jobs)
        finally:
            for worker in workers:
                worker.kill()

    def _run(self, command: list[str], name: str) -> LeashedProcess:
        process = LeashedProcess(
            command,
            directory=Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._directory)),
            log=self._directory / f"{name}.log",
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath), "REDIS_PORT": str(self._port)},
        )
        self._stack.callback(process.kill)
        return process

    def _answers(self) -> bool:
        from redis import Redis  # noqa: PLC0415 -- only there if the bench's own are installed
        from redis.exceptions import ConnectionError as Refused  # noqa: PLC0415 -- the same

        try:
            return bool(Redis(port=self._port).ping())
        except Refused:
            return False


@cache
def _port() -> int:
    """Return the one port of the whole run: the systems' modules take it in once."""
    return free_port()
