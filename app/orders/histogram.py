"""Durations in exponential buckets: small enough to keep for ever, good enough for percentiles."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

BUCKETS_PER_DECADE: Final = 5
SHORTEST_SECONDS: Final = 1e-4
LAST_BUCKET: Final = 45
"""Buckets 0 to 45: up to 0.1 ms, each 1.58 times the one before, up to 100,000 s (28 hours)."""


def upper_bound(number: float) -> float:
    """Return the longest duration, in seconds, that belongs in this bucket."""
    return float(SHORTEST_SECONDS * 10 ** (number / BUCKETS_PER_DECADE))


_UPPER_BOUNDS: Final = [upper_bound(number) for number in range(LAST_BUCKET)]


def bucket(seconds: float) -> int:
    """Return the number of the histogram bucket, 0 to `LAST_BUCKET`, for a duration."""
    return bisect_left(_UPPER_BOUNDS, seconds)


def cumulative(histogram: Mapping[int, int]) -> list[tuple[float, int]]:
    """Return the longest duration of each bucket in seconds, and how many orders stay within it.

    The last one is infinite. The others are rounded down to the microsecond: durations are whole
    microseconds, so the same orders stay within.
    """
    bounds = [math.floor(round(upper_bound(n) * 1e6, 3)) / 1e6 for n in range(LAST_BUCKET)]
    within = accumulate(histogram.get(number, 0) for number in range(LAST_BUCKET + 1))
    return list(zip([*bounds, math.inf], within, strict=True))


def percentile(histogram: Mapping[int, int], fraction: float) -> float | None:
    """Return the duration in seconds that this fraction of the orders stays within.

    Within a bucket it interpolates on the logarithmic scale of the buckets, so the answer is off
    by less than one bucket's width.

    Args:
        histogram: Orders by bucket number.
        fraction: Between 0 and 1.

    Returns:
        None if there are no orders.

    """
    wanted = fraction * sum(histogram.values())
    below = 0
    for number in sorted(histogram):
        inside = histogram[number]
        if inside and below + inside >= wanted:
            reached = (wanted - below) / inside
            return upper_bound(number - 1 + reached)
        below += inside
    return None
