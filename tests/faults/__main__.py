"""The fault bench: every case, or one for as long as one likes, and a line of the table for each.

python -m tests.faults [--case F1] [--minutes 10] [--seed 7] [--database mariadb]
"""

import argparse
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

from tests.faults.cases import CASES
from tests.faults.cases.case import ALL, Case
from tests.faults.runner import COLUMNS, Result, line, run
from tests.faults.scene import Site
from tests.faults.sites import site


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; returns the exit status, 0 if every rule and bound held."""
    asked = _parser().parse_args(arguments)
    seed = asked.seed if asked.seed is not None else random.randrange(2**31)
    cases = [CASES[name] for name in asked.case or CASES]
    print(f"seed {seed}")  # noqa: T201 -- it is a command: it prints
    print(line(COLUMNS), flush=True)  # noqa: T201 -- the same
    failed = 0
    for database in asked.database or ALL:
        with ExitStack() as stack:
            place: Site | None = None
            for case in cases:
                if database not in case.databases:
                    continue
                if (obstacle := case.obstacle()) is not None:
                    print(f"{case.name:<5}{database:<11}not run: {obstacle}")  # noqa: T201 -- the same
                    continue
                place = place or stack.enter_context(site(database))
                failed += _repeat(case, place, seed, asked.minutes)
    return 1 if failed else 0


def _repeat(case: Case, place: Site, seed: int, minutes: float) -> bool:
    """Run a case with one seed after the other until the time is over; one failure is enough."""
    end = time.monotonic() + minutes * 60
    while True:
        result: Result = run(case, place, seed=seed, rounds=case.rounds)
        print(result, flush=True)  # noqa: T201 -- it is a command: it prints
        if not result.ok or time.monotonic() >= end:
            return not result.ok
        seed += 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--case", action="append", choices=CASES, help="may be repeated")
    parser.add_argument("--minutes", type=float, default=0, help="repeat each case for so long")
    parser.add_argument("--seed", type=int, help="of the first run; the next ones count up")
    parser.add_argument("--database", action="append", choices=ALL, help="may be repeated")
    return parser


if __name__ == "__main__":
    sys.exit(main())
