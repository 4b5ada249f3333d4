"""Reading README.md and docs/api.md: their requests, blocks and tables."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live import ROOT

DEFAULT_URL = "http://127.0.0.1:8000"
# What curl is to do besides what the line says.
CURLRC = 'silent\nshow-error\nmax-time = 20\nwrite-out = "\\n%{http_code}"\n'
EXAMPLE = r"^\$ (curl .*?)  # (\d{3})\n([^$]*)"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
# Values that differ from run to run, besides those.
MEASURED = {
    *["pending_duration", "processing_duration", "total_duration"],
    *["avg_processing_time", "average_processing_time", "average_processing_time_from_creation"],
    *["processing_time", "p50", "p95", "p99", "accepted", "completed"],
}


@dataclass(frozen=True)
class Example:
    """A request with its answer."""

    command: str
    status: int
    answer: Any
    """Its JSON, or the lines of a text, with some of them left out."""
    is_json: bool

    def run(self, url: str, curl_home: Path) -> tuple[int, Any]:
        """Run the line as it stands, but for where the service is; returns status and answer.

        Of a text it returns the lines that are shown.
        """
        done = subprocess.run(
            ["bash", "-c", self.command.replace(DEFAULT_URL, url)],
            env={"PATH": "/usr/bin:/bin", "CURL_HOME": str(curl_home)},
            cwd=curl_home,
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, status = done.stdout.rpartition("\n")
        if self.is_json:
            return int(status), json.loads(body)
        return int(status), [line for line in body.splitlines() if line in self.answer]


class Document:
    """A page of the documentation."""

    def __init__(self, path: str) -> None:
        """Read the page at this path of the project."""
        self.text = (ROOT / path).read_text()

    def fenced(self, language: str) -> list[str]:
        """Return the contents of the blocks in this language, "" being none."""
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", self.text, re.DOTALL | re.MULTILINE)
        return [content for name, content in blocks if name == language]

    def examples(self) -> list[Example]:
        """Return the requests that the page shows, in their order."""
        return [
            _example(*found)
            for block in self.fenced("console")
            for found in re.findall(EXAMPLE, block, re.MULTILINE)
        ]

    def table(self, *heads: str) -> list[tuple[str, ...]]:
        """Return the cells of the one table with these heads, row by row."""
        head = f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}\n"
        first, _, rows = self.text.partition(head)
        assert first != self.text, f"no table with the heads {heads}"
        lines = rows.partition("\n\n")[0].splitlines()
        return [tuple(line.strip("| ").split(" | ")) for line in lines]


README = Document("README.md")
API = Document("docs/api.md")


def comparable(value: Any, name: str = "") -> Any:
    """Return the value with what differs from run to run replaced by what it is."""
    match value:
        case dict():
            return {key: comparable(each, key) for key, each in value.items()}
        case list():
            return [comparable(each) for each in value]
        case str() if UUID.fullmatch(value):
            return "an id"
        case str() if TIME.fullmatch(value):
            return "a time"
        case _ if name in MEASURED:
            return f"a measured {type(value).__name__}"
    return value


def _example(command: str, status: str, answer: str) -> Example:
    is_json = answer.startswith(("{", "["))
    return Example(
        command, int(status), json.loads(answer) if is_json else answer.splitlines(), is_json
    )
