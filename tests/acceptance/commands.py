"""The project's commands as a user types them, each a process of its own."""

import os
import sys
from pathlib import Path

from tests.live import ROOT
from tests.processes import LeashedProcess

COMMAND_SECONDS = 120


class FlaskCommand:
    """`flask --app app ...` with nothing but PATH and `variables` in its environment."""

    def __init__(self, directory: Path, *arguments: str, **variables: object) -> None:
        """Start it; what it needs besides is in `directory`, which is its own."""
        self._log = directory / "log"
        self._process = LeashedProcess(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            directory=directory,
            log=self._log,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath)}
            | {name: str(value) for name, value in variables.items()},
        )

    def finish(self) -> tuple[int, str]:
        """Wait for its end; returns exit status and everything printed."""
        status = self._process.wait(COMMAND_SECONDS)
        return status, self.printed()

    def printed(self) -> str:
        """Return what it has printed so far, whether as output or as error."""
        return self._log.read_text()

    def signal(self, signum: int) -> None:
        """Send `signum` to the command alone."""
        self._process.signal(signum)

    def close(self) -> None:
        """End it and what it has started."""
        self._process.close()
