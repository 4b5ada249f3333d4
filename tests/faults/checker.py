"""Decides whether a run lost, doubled or made up an order.

It shares nothing with the service: no import, its own connection. As a program it prints what it
found and exits 1 if a rule was broken:

    python -m tests.faults.checker --journal J --ledger L --database-url URL

What the handlers of the run were asked to do it reads from the same HANDLER_ variables.
"""

import argparse
import json
import os
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.evidence import Allowance, Evidence
from tests.faults.journal import read_journal
from tests.faults.ledger import read_ledger
from tests.faults.rows import read_rows
from tests.faults.rules import RULES
from tests.faults.rules.violation import Harm, Violation
from tests.faults.script import Script

VIOLATIONS_SHOWN = 20


@dataclass(frozen=True)
class Verdict:
    """What became of the orders of a run."""

    orders: int
    """How many keys were answered 201."""
    faults: int
    violations: tuple[Violation, ...]
    repeated: int
    """Orders whose handler was called more often than asked for; some may be, after a kill."""
    slowest_recovery_seconds: float | None
    """The longest an order took from the last fault it lived through to its end; None if none."""

    @property
    def ok(self) -> bool:
        """Whether no rule was broken."""
        return not self.violations

    @property
    def lost(self) -> int:
        """How many orders were accepted and came to nothing."""
        return self._harmed(Harm.LOST)

    @property
    def twice(self) -> int:
        """How many orders are there, or ended, more than once."""
        return self._harmed(Harm.TWICE)

    @property
    def phantom(self) -> int:
        """How many orders nobody asked for."""
        return self._harmed(Harm.PHANTOM)

    def __str__(self) -> str:
        """One line of figures, then a line for each of the first violations."""
        recovery = self.slowest_recovery_seconds
        figures = (
            f"faults {self.faults}, orders {self.orders}, lost {self.lost}, twice {self.twice}, "
            f"phantom {self.phantom}, handled again {self.repeated}, slowest recovery "
            + ("-" if recovery is None else f"{recovery:.1f} s")
        )
        shown = [f"rule {v.rule}: {v.subject} {v.sentence}" for v in self.violations]
        left_out = len(shown) - VIOLATIONS_SHOWN
        more = [f"and {left_out} more"] if left_out > 0 else []
        return "\n".join([figures, *shown[:VIOLATIONS_SHOWN], *more])

    def _harmed(self, harm: Harm) -> int:
        return len({each.subject for each in self.violations if each.harm is harm})


def judge(evidence: Evidence) -> Verdict:
    """Apply every rule.

    Raises:
        ValueError: Two keys asked for the same order, so that nobody can tell whose a row is.

    """
    calls = evidence.creations.values()
    return Verdict(
        orders=sum(any(call.status == 201 for call in of_key) for of_key in calls),
        faults=len(evidence.allowance.fault_times),
        violations=tuple(violation for rule in RULES for violation in rule(evidence)),
        repeated=len(evidence.repeated),
        slowest_recovery_seconds=_slowest_recovery_seconds(evidence),
    )


def _slowest_recovery_seconds(evidence: Evidence) -> float | None:
    faults, slowest = evidence.allowance.fault_times, None
    for row in evidence.rows:
        if row.completed_at is None:
            continue
        before_its_end = bisect_right(faults, row.completed_at)
        if before_its_end and faults[before_its_end - 1] >= row.created_at:
            slowest = max(slowest or 0, row.completed_at - faults[before_its_end - 1])
    return slowest


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge what the arguments name; returns the exit status."""
    asked = _parser().parse_args(arguments)
    evidence = Evidence(
        calls=read_journal(asked.journal),
        rows=read_rows(asked.database_url),
        ledger=read_ledger(asked.ledger),
        metrics=json.loads(asked.metrics.read_bytes()) if asked.metrics else None,
        allowance=Allowance(
            kills=asked.kills,
            pauses=asked.pauses,
            largest_batch=asked.largest_batch,
            max_attempts=asked.max_attempts,
            bound_seconds=asked.bound_seconds,
            fault_times=tuple(sorted(asked.fault_at)),
            script=Script.from_environment(os.environ),
        ),
    )
    verdict = judge(evidence)
    sys.stdout.write(f"{verdict}\n")
    return 0 if verdict.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.checker")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--metrics", type=Path, help="the JSON that GET /metrics answered")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--pauses", type=int, default=0)
    parser.add_argument("--largest-batch", type=int, default=1, help="orders in hand at once")
    parser.add_argument("--max-attempts", type=int, default=5)
    parser.add_argument("--bound-seconds", type=float, help="from the last fault to every end")
    parser.add_argument(
        "--fault-at",
        type=float,
        action="append",
        default=[],
        help="when a fault was over, in seconds since the epoch; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
