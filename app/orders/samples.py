"""The past: what all counters stood at, every ten seconds, for rates and charts.

The counters only grow, so the difference of two samples is exactly what happened between them.
"""

from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Final, NamedTuple

from sqlalchemy import Connection, Insert, bindparam, delete, func, or_, select

from app.database import AnyRow
from app.orders.counters import MICROSECOND
from app.orders.model import samples

INTERVAL_SECONDS: Final = 10
COARSE_INTERVAL_SECONDS: Final = 60
FINE_FOR: Final = timedelta(hours=1)
"""For so long every sample is kept, after that one a minute."""
KEPT_FOR: Final = timedelta(days=1)
RATE_SECONDS: Final = 60
_READ_AT_US: Final = "read_at_us"
"""When the totals were read, among them: up to ten seconds after their interval has begun."""


class Sample(NamedTuple):
    """What all counters stood at; times are seconds since the epoch."""

    interval_at: int
    """When the interval began that it is the sample of."""
    read_at: float
    totals: dict[str, int]


_BASE: Final = (
    select(samples.c.taken_at, samples.c.totals)
    .where(samples.c.taken_at >= bindparam("since"))
    .order_by(samples.c.taken_at)
    .limit(1)
)


@cache
def _insert_if_absent(dialect: str) -> Insert:
    # The engine has loaded this dialect; to load the others, too, makes every worker start later.
    insert = import_module(f"sqlalchemy.dialects.{dialect}").insert(samples)
    absent: Insert = (
        insert.prefix_with("IGNORE") if dialect == "mysql" else insert.on_conflict_do_nothing()
    )
    return absent


def interval(now: float) -> int:
    """Return when the interval began that this moment lies in, both in seconds since the epoch."""
    return int(now) // INTERVAL_SECONDS * INTERVAL_SECONDS


def take(connection: Connection, totals: dict[str, int], *, now: float) -> None:
    """Keep the totals as the sample of the current interval, unless there is one already.

    Args:
        connection: In a transaction.
        totals: All counters.
        now: Seconds since the epoch.

    """
    read_at = {_READ_AT_US: int(now * MICROSECOND)}
    sample = {"taken_at": interval(now), "totals": totals | read_at}
    connection.execute(_insert_if_absent(connection.dialect.name), sample)


def a_minute_ago(connection: Connection, *, now: float) -> Sample | None:
    """Return the sample with which the last `RATE_SECONDS` began.

    Args:
        connection: In a transaction.
        now: Seconds since the epoch.

    Returns:
        A later one if nobody worked then; None if nobody has worked since.

    """
    since = now - RATE_SECONDS - INTERVAL_SECONDS  # the last sample before the minute
    row = connection.execute(_BASE, {"since": since}).first()
    return None if row is None else _sample(row)


def last_of_each(connection: Connection, *, since: float, step_seconds: int) -> list[Sample]:
    """Return the last sample of each step of so many seconds, oldest first.

    Args:
        connection: In a transaction.
        since: Seconds since the epoch; older samples are left out.
        step_seconds: Steps begin at the multiples of this.

    """
    step = samples.c.taken_at - samples.c.taken_at % step_seconds
    last = select(func.max(samples.c.taken_at)).where(samples.c.taken_at >= since).group_by(step)
    rows = connection.execute(
        select(samples.c.taken_at, samples.c.totals)
        .where(samples.c.taken_at.in_(last))
        .order_by(samples.c.taken_at)
    )
    return [_sample(row) for row in rows]


def thin_out(connection: Connection, *, now: float) -> None:
    """Delete the samples that are too old, and of the older ones all but one a minute.

    And those of a time to come: they are from before the clock was set back, and would stand in the
    way of what happens then.
    """
    connection.execute(
        delete(samples).where(
            or_(
                samples.c.taken_at < now - KEPT_FOR.total_seconds(),
                samples.c.taken_at > now + COARSE_INTERVAL_SECONDS,
                (samples.c.taken_at < now - FINE_FOR.total_seconds())
                & (samples.c.taken_at % COARSE_INTERVAL_SECONDS != 0),
            )
        )
    )


def _sample(row: AnyRow) -> Sample:
    totals = dict(row.totals)
    read_at_us = totals.pop(_READ_AT_US, row.taken_at * MICROSECOND)  # older ones do not say
    return Sample(row.taken_at, read_at_us / MICROSECOND, totals)
