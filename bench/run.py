"""One run of the bench: every target on every database, then what came of it."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import backlog, bulk, ceiling, curve, growth, idle, lone, plot, report, steady
from bench.curve import Point
from bench.figures import Figure, Skipped
from bench.subjects import Databases
from tests.servers import MariaDB

TARGETS: Final[dict[str, Callable[[Databases], Iterator[Figure | Skipped]]]] = {
    "P1": ceiling.figures,
    "P2": steady.figures,
    "P3": backlog.figures,
    "P4": growth.figures,
    "P5": bulk.figures,
    "P7": idle.figures,
    "P8": lone.figures,
}
MEASURED_WITH: Final = {"P6": "P4"}
"""It needs the same tables."""
PLOT: Final = "plot"
KINDS: Final = ("mariadb", "sqlite")
CORES: Final = 2


def measure(parts: Sequence[str], kinds: Sequence[str], into: Path) -> None:
    """Measure the parts on the databases, show what came out, and write it into a directory."""
    console = Console()
    # What is started from here on inherits it.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    found: list[Figure | Skipped] = []
    curves: dict[str, list[Point]] = {}
    for kind in kinds:
        if kind == MariaDB.name and MariaDB.missing():
            console.print(f"{kind}: nothing is measured, {MariaDB.missing()}")
            continue
        with Databases(kind) as databases:
            for part in dict.fromkeys(MEASURED_WITH.get(part, part) for part in parts):
                with console.status(f"{part} on {kind}"):
                    found += _figures(part, databases, curves)
    found.sort(key=lambda each: each.target)
    into.mkdir(parents=True, exist_ok=True)
    if curves:
        (into / "plot.svg").write_text(plot.render(curves))
    report.write(found, curves, into)
    console.print(report.as_table(found))
    console.print(f"written into {into}")


def _figures(
    part: str, databases: Databases, curves: dict[str, list[Point]]
) -> Iterator[Figure | Skipped]:
    """Yield the figures of one part; those of the plot go into `curves`."""
    try:
        if part == PLOT:
            for name, points in curve.points(databases):
                curves.setdefault(name, points)  # the no-op's is that of the first database
        else:
            yield from TARGETS[part](databases)
    except Exception as error:  # noqa: BLE001 -- the other parts' figures are worth having
        reason = f"{type(error).__name__}: {error}"
        yield Skipped(target=part, what="failed", database=databases.kind, reason=reason)
