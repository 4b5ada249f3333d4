"""What a case is: a fault, how it is made, and how much of it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.scene import Scene

ALL = ("mariadb", "postgresql", "sqlite")
SERVERS = ("mariadb", "postgresql")


@dataclass(frozen=True)
class Case:
    """One row of the table of faults."""

    name: str
    fault: str
    run: Callable[[Scene], None]
    rounds: int
    """Faults, orders or seconds in one run, whichever the case counts."""
    databases: tuple[str, ...]
    tested_on: tuple[str, ...]
    """Where `make test` runs it."""
    obstacle: Callable[[], str | None]
    """Returns a sentence where this machine cannot make the fault."""
    quiet: bool
    """Measures times so short that not much may run beside it."""


def case(
    name: str,
    fault: str,
    *,
    rounds: int,
    databases: tuple[str, ...] = ALL,
    tested_on: tuple[str, ...] | None = None,
    obstacle: Callable[[], str | None] = lambda: None,
    quiet: bool = False,
) -> Callable[[Callable[[Scene], None]], Case]:
    """Make the decorated function a case."""

    def make(run: Callable[[Scene], None]) -> Case:
        return Case(
            name,
            fault,
            run,
            rounds,
            databases,
            databases if tested_on is None else tested_on,
            obstacle,
            quiet,
        )

    return make
