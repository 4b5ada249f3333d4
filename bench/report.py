"""The figures as people and programs read them."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from app.clock import utc_now
from bench.curve import Point
from bench.figures import Figure, Skipped, shown

HEADS = ("", "what", "database", "measured", "target", "verdict", "rounds")


def as_table(found: Sequence[Figure | Skipped]) -> Table:
    """Return the figures as a table for a terminal."""
    table = Table(*HEADS)
    for each in found:
        table.add_row(*_row(each))
    return table


def write(
    found: Sequence[Figure | Skipped], curves: Mapping[str, Sequence[Point]], into: Path
) -> None:
    """Write figures.json and table.md into the directory."""
    document = _document(found) | {
        "curves": {name: list(map(asdict, points)) for name, points in curves.items()}
    }
    (into / "figures.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [HEADS, ["---"] * len(HEADS), *map(_row, found)]
    (into / "table.md").write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))


def _row(each: Figure | Skipped) -> list[str]:
    start = [each.target, each.what, each.database]
    if isinstance(each, Skipped):
        return [*start, "", "", f"skipped: {each.reason}", ""]
    rounds = ", ".join(shown(value) for value in each.rounds) if len(each.rounds) > 1 else ""
    return [*start, shown(each.value, each.unit), each.bound, each.verdict, rounds]


def _document(found: Sequence[Figure | Skipped]) -> dict[str, object]:
    return {
        "measured_at": f"{utc_now().isoformat(timespec='seconds')}Z",
        "machine": machine(),
        "figures": [
            asdict(each)
            | ({"value": each.value, "verdict": each.verdict} if isinstance(each, Figure) else {})
            for each in found
        ],
    }


def machine() -> dict[str, object]:
    """Return what this was measured on."""
    cpu = Path("/proc/cpuinfo").read_text().splitlines()
    models = (line.partition(":")[2].strip() for line in cpu if "model name" in line)
    return {
        "processor": next(models, platform.machine()),  # on ARM there is no name
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
