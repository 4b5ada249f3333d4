"""client.py as a user runs it: a process of its own, judged by the report it writes."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.live import ROOT
from tests.processes import LeashedProcess

LOAD_SECONDS = 200


class Load:
    """One run of client.py, under way."""

    def __init__(self, directory: Path, url: str, **options: object) -> None:
        """Start it against `url`; `options` are its command line's, by their names there."""
        self._report = directory / "report.json"
        self._log = directory / "log"
        arguments = {"url": url, "json": self._report, **options}
        self._process = LeashedProcess(
            [
                sys.executable,
                ROOT / "client.py",
                *(f"--{name}={value}" for name, value in arguments.items()),
            ],
            directory=directory,
            log=self._log,
            cwd=ROOT,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )

    def finish(self) -> tuple[int, dict[str, Any]]:
        """Wait for the end of the run; returns exit status and report."""
        status = self._process.wait(LOAD_SECONDS)
        return status, json.loads(self._report.read_text())

    def close(self) -> None:
        """End it, if it still runs."""
        self._process.close()

    def log(self) -> str:
        """Return what it has printed; empty if it had to be ended."""
        return self._log.read_text() if self._log.exists() else ""
