"""The one clock that dates are read from."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the time now: UTC, to the microsecond, naive as the tables hold it."""
    return datetime.now(UTC).replace(tzinfo=None)
