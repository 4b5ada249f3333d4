"""How each database is connected to, and what its errors mean: a module for each.

A process loads that of its own database alone, and no other driver.
"""

from importlib import import_module
from typing import Any, Protocol, cast

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from app.faults import Fault


class Dialect(Protocol):
    """What each of the modules has."""

    def engine_options(self, url: URL) -> dict[str, Any]:
        """Return what `create_engine` takes besides the options of the pool."""

    def prepare(self, engine: Engine) -> None:
        """Have every new connection start with the session settings we rely on."""

    def diagnose(self, error: BaseException | None) -> Fault | None:
        """Return what the driver's error means for trying again; None if it would come back."""


def dialect_of(name: str) -> Dialect:
    """Return the module of the database with this name: `mysql`, `postgresql` or `sqlite`."""
    return cast("Dialect", import_module(f"{__name__}.{name}"))
