"""A pytest of its own in the middle of its tests, to be ended from outside."""

import os
import signal
import sys
from pathlib import Path
from typing import Self

from tests.live import ROOT
from tests.processes import LeashedProcess, wait_until

START_SECONDS = 200  # beside other tests


class PytestInProgress:
    """Runs tests that each write what they have to tell to a file, as `Path(FOUND)`, and wait.

    Args:
        directory: For the tests and what they write.
        tests: The module, in which FOUND stands for a name that is each test's own.
        processes: How many run tests at once; 0 for the one that was started.

    """

    def __init__(self, directory: Path, tests: str, *, processes: int = 0) -> None:
        self._found = directory / "found"
        self._found.mkdir()
        self._processes = processes
        module = directory / "test_in_progress.py"
        module.write_text(tests.replace("FOUND", f'"{self._found}", str(os.getpid())'))
        own = directory / "pytest"
        own.mkdir()
        options = ["-q", "-n", str(processes), "-p", "tests.conftest", "--database", "sqlite"]
        for plugin in ("schemathesis", "hypothesispytest", "anyio"):  # 1.4 s of each start
            options += ["-p", f"no:{plugin}"]
        self._process = LeashedProcess(
            ["setsid", sys.executable, "-m", "pytest", *options, module],
            directory=own,
            log=own / "log",
            cwd=ROOT,
        )

    def __enter__(self) -> Self:
        """Nothing more: it runs."""
        return self

    def __exit__(self, *_: object) -> None:
        """End whatever is left of it."""
        self._process.close()

    def found(self) -> list[str]:
        """Return what each test has written, once as many are under way as can be."""
        tests = max(1, self._processes)
        wait_until(lambda: len(self._written()) == tests, START_SECONDS, f"{tests} tests")
        return self._written()

    def end(self, signum: int) -> None:
        """Send the signal: SIGINT to all of it, as a terminal does, any other to the first."""
        if signum == signal.SIGINT:
            os.killpg(self._process.pid, signum)
        else:
            self._process.signal(signum)

    def _written(self) -> list[str]:
        return [text for file in self._found.iterdir() if (text := file.read_text()).endswith("\n")]
