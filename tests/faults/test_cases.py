"""Every case, in a size that fits into the test suite; `make faults` runs them in full."""

import os
from collections.abc import Callable

import pytest

from tests.faults.cases import CASES
from tests.faults.runner import run, seed_of_tests
from tests.faults.scene import Site


@pytest.mark.parametrize(
    ("name", "database"),
    [(case.name, database) for case in CASES.values() for database in case.tested_on],
)
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

    result = run(case, sites(database), seed=seed_of_tests(), rounds=case.short_rounds)

    assert result.ok, f"\n{result}"


def test_the_table_has_every_case() -> None:
    assert list(CASES) == [f"F{number}" for number in range(1, 25)]
