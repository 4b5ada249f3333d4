"""Every case once, on one database; `make faults` runs them on all, for as long as one likes."""

import os
import re
from collections.abc import Callable

import pytest
from _pytest.mark import ParameterSet

from app.settings import PROJECT
from tests.faults.cases import CASES
from tests.faults.runner import run, seed_of_tests
from tests.faults.scene import Site

LONGEST = {"F24", "F5", "F3", "F8", "F18", "F9"}
"""Begun first: none of them is to be the one all wait for at the end."""
LONGEST_SECONDS = 900


def runs() -> list[ParameterSet]:
    """Return each case with each database it is tested on."""
    return [
        pytest.param(
            case.name,
            database,
            id=f"{case.name}-{database}",
            marks=[pytest.mark.quiet] if case.quiet else [],
        )
        for case in sorted(CASES.values(), key=lambda case: case.name not in LONGEST)
        for database in case.tested_on
    ]


@pytest.mark.timeout(LONGEST_SECONDS)
@pytest.mark.parametrize(("name", "database"), runs())
def test_nothing_is_lost_or_done_twice(
    name: str, database: str, sites: Callable[[str], Site], pytestconfig: pytest.Config
) -> None:
    case = CASES[name]
    if database not in (pytestconfig.getoption("database") or [database]):
        pytest.skip("not one of the databases asked for")
    obstacle = case.obstacle()
    if obstacle is not None:
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(obstacle)
        pytest.skip(obstacle)

    result = run(case, sites(database), seed=seed_of_tests(), rounds=case.rounds)

    assert result.ok, f"\n{result}"


def test_the_page_tells_of_every_case() -> None:
    page = (PROJECT / "docs" / "reliability.md").read_text()
    told = re.findall(r"^\| (F\d+) \| (.+?) \|", page, re.MULTILINE)
    assert told == [(case.name, case.fault) for case in CASES.values()]
    assert [name for name, _ in told] == [f"F{number}" for number in range(1, 25)]
