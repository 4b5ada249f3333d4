"""Running a case once, and the line of the table it brings."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cases.case import Case
from tests.faults.scene import Scene, Site

COLUMNS = (
    *("case", "database", "faults", "orders", "lost", "twice", "phantom", "slowest"),
    *("verdict", "fault"),
)
WIDTHS = (5, 11, 7, 7, 5, 6, 8, 8, 9, 0)


@dataclass(frozen=True)
class Result:
    """What one run of a case brought."""

    case: Case
    database: str
    seed: int
    faults: int
    orders: int
    lost: int
    twice: int
    phantom: int
    slowest_recovery_seconds: float | None
    complaints: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every rule and the case's own bounds held."""
        return not self.complaints

    def __str__(self) -> str:
        """The line of the table; below it, what is wrong and how to see it again."""
        slowest = self.slowest_recovery_seconds
        values = (
            self.case.name,
            self.database,
            self.faults,
            self.orders,
            self.lost,
            self.twice,
            self.phantom,
            "-" if slowest is None else f"{slowest:.1f}",
            "ok" if self.ok else "FAILED",
            self.case.fault,
        )
        again = f"make faults CASE={self.case.name} SEED={self.seed} DATABASE={self.database}"
        return "\n".join(
            [
                line(values),
                *(f"      {complaint}" for complaint in self.complaints),
                *([] if self.ok else [f"      again: {again}"]),
            ]
        )


def line(values: tuple[object, ...]) -> str:
    """Return the values in the columns of the table."""
    return "".join(f"{value!s:<{width}}" for value, width in zip(values, WIDTHS, strict=True))


def run(case: Case, site: Site, *, seed: int, rounds: int) -> Result:
    """Run the case once, with the checker's word on it."""
    with (
        tempfile.TemporaryDirectory(prefix=f"{case.name}-") as directory,
        Scene(site, Path(directory), seed=seed, rounds=rounds) as scene,
    ):
        case.run(scene)
        verdict = scene.verdict()
    violations = str(verdict).splitlines()[1:]
    by_rows = verdict.slowest_recovery_seconds if scene.clock_is_true else None
    slowest = [each for each in (by_rows, *scene.recoveries) if each is not None]
    return Result(
        case=case,
        database=site.database,
        seed=seed,
        faults=verdict.faults,
        orders=verdict.orders,
        lost=verdict.lost,
        twice=verdict.twice,
        phantom=verdict.phantom,
        slowest_recovery_seconds=max(slowest, default=None),
        complaints=(*scene.complaints, *violations),
    )


def seed_of_tests() -> int:
    """Return the seed of a run in the test suite: the same every time, unless FAULT_SEED is set."""
    return int(os.environ.get("FAULT_SEED", "1"))
