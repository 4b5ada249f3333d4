"""Ages as they are typed: a number and a unit."""

import re
from datetime import timedelta
from typing import Final

import click

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE: Final = re.compile(r"([0-9]{1,5})([smhdw])")


class Age(click.ParamType[timedelta]):
    """A time span such as `90s`, `15m`, `12h`, `30d` or `2w`."""

    name = "age"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the span, at most 99,999 of its unit; fail with one sentence if it is none."""
        match = _AGE.fullmatch(value)
        if match is None:
            self.fail(
                f"{value[:40]!r} should be a number and a unit, such as 30d or 12h", param, ctx
            )
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
