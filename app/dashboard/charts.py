"""The charts: from steps of the past to the paths of an SVG."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from app.dashboard.formats import NOTHING, count, duration, rate
from app.orders.history import Step, Window

HEIGHT: Final = 100
"""Of the drawing's coordinates; the width is one for each step."""
_NICE: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_TIME_LABELS: Final = 4

Value = float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart."""

    name: str
    path: str
    """In the drawing's coordinates; broken where there is no value."""
    area: str
    """The same, closed along the bottom."""
    values: str
    """As numbers for the script, apart by commas, empty where there is none."""
    latest: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart, ready to be drawn."""

    title: str
    unit: str
    """What the script writes behind a value: `/min`, `s` or nothing."""
    top: str
    """The value at the upper edge."""
    lines: Sequence[Line]

    @property
    def summary(self) -> str:
        """What it shows, for those who do not see it."""
        latest = ", ".join(f"{line.name} {line.latest}" for line in self.lines)
        return f"{self.title}: {latest}; up to {self.top}"


def charts(steps: Sequence[Step | None]) -> list[Chart]:
    """Return the four charts of the page."""

    def line(name: str, value: Callable[[Step], Value]) -> tuple[str, list[Value]]:
        return name, [None if step is None else value(step) for step in steps]

    return [
        _chart(
            ("Throughput", "/min", rate),
            line("accepted", lambda step: step.accepted_per_minute),
            line("completed", lambda step: step.completed_per_minute),
        ),
        _chart(("Backlog", "", _orders), line("unfinished", lambda step: step.backlog)),
        _chart(
            ("Waiting", "s", duration),
            line("p50", lambda step: step.waiting["p50"]),
            line("p95", lambda step: step.waiting["p95"]),
        ),
        _chart(
            ("Processing", "s", duration),
            line("p50", lambda step: step.processing["p50"]),
            line("p95", lambda step: step.processing["p95"]),
        ),
    ]


def time_labels(window: Window, now: datetime) -> list[str]:
    """Return the times, in UTC, to write below a chart at equal distances."""
    end = int(now.replace(tzinfo=UTC).timestamp()) // window.step_seconds * window.step_seconds
    apart = window.seconds // _TIME_LABELS
    moments = (end - apart * number for number in range(_TIME_LABELS, -1, -1))
    return [f"{datetime.fromtimestamp(each, UTC):%H:%M}" for each in moments]


def _chart(kind: tuple[str, str, Callable[[float], str]], *lines: tuple[str, list[Value]]) -> Chart:
    title, unit, write = kind
    highest = max((each for _, values in lines for each in values if each is not None), default=0)
    top = _nice(highest)
    return Chart(
        title, unit, write(top), [_line(name, values, top, write) for name, values in lines]
    )


def _orders(number: float) -> str:
    return count(round(number))


def _line(name: str, values: list[Value], top: float, write: Callable[[float], str]) -> Line:
    runs = _runs([None if each is None else HEIGHT * (1 - each / top) for each in values])
    paths = ["L".join(f"{x} {y:.1f}" for x, y in run) for run in runs]
    areas = [
        f"M{run[0][0]} {HEIGHT}L{path}L{run[-1][0]} {HEIGHT}Z"
        for run, path in zip(runs, paths, strict=True)
    ]
    latest = values[-1] if values else None
    return Line(
        name=name,
        # Round caps show a run of one value as a dot, if the path has a length at all.
        path="".join(f"M{path}h0" for path in paths),
        area="".join(areas),
        values=",".join("" if each is None else f"{each:.4g}" for each in values),
        latest=NOTHING if latest is None else write(latest),
    )


def _runs(heights: list[Value]) -> list[list[tuple[int, float]]]:
    """Return the points of each stretch without a gap."""
    runs: list[list[tuple[int, float]]] = []
    open_run = False
    for x, y in enumerate(heights):
        if y is None:
            open_run = False
            continue
        if not open_run:
            runs.append([])
            open_run = True
        runs[-1].append((x, y))
    return runs


def _nice(highest: float) -> float:
    """Return a round number that is not below this one, for the upper edge."""
    if highest <= 0:
        return 1.0
    power = float(10 ** math.floor(math.log10(highest)))
    return next(power * each for each in _NICE if power * each >= highest * 0.9999)
