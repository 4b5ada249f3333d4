"""How numbers and times are written on the page: short, and of a stable width."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from flask import Blueprint

from app.orders.durations import altogether, waited, worked

NOTHING: Final = "\N{EN DASH}"
FRESH_SECONDS: Final = 5
"""A younger age is not told to the second: it would change all the time and say nothing."""
_LARGER_UNITS: Final = ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def register_formats(blueprint: Blueprint) -> None:
    """Make the formats filters of the templates."""
    for write in (age, amount, count, duration, moment, rate, whole_seconds):
        blueprint.add_app_template_filter(write)
    for reckon in (altogether, waited, worked):
        blueprint.add_app_template_filter(reckon)


def duration(seconds: float | None) -> str:
    """Return a duration in the one or two units that matter, such as `3 min 20 s`."""
    if seconds is None:
        return NOTHING
    for size, name, smaller_size, smaller_name in _LARGER_UNITS:
        if seconds >= size:
            whole, rest = divmod(int(seconds), size)
            return f"{whole} {name} {rest // smaller_size} {smaller_name}"
    if seconds >= 10 or seconds == 0:
        return f"{seconds:.0f} s"
    if seconds >= 1:
        return f"{seconds:.1f} s"
    milliseconds = seconds * 1000
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"


def age(seconds: float) -> str:
    """Return how long ago something was."""
    if seconds < FRESH_SECONDS:
        return f"< {FRESH_SECONDS} s"
    return f"{int(seconds)} s" if seconds < 60 else duration(seconds)


def whole_seconds(seconds: float | None) -> str:
    """Return an estimated duration, which is not known to the millisecond."""
    return "< 1 s" if seconds is not None and 0 < seconds < 1 else duration(seconds)


def count(number: int) -> str:
    """Return a whole number with its thousands apart."""
    return f"{number:,}"


def rate(number: float) -> str:
    """Return a rate with as many digits as it deserves."""
    return f"{number:,.0f}" if number >= 10 or number == 0 else f"{number:.1f}"


def amount(number: Decimal) -> str:
    """Return an amount of money with two decimals."""
    return f"{number:,.2f}"


def moment(at: datetime | None) -> str:
    """Return a time in UTC to the millisecond."""
    return NOTHING if at is None else at.isoformat(" ", "milliseconds")
