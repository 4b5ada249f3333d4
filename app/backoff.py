"""Pauses between tries: longer with each failure, and not the same for two."""

import random
from collections.abc import Sequence


def pause_after(failures: int, longest: Sequence[float]) -> float:
    """Return how long to wait, in seconds: equal jitter.

    Args:
        failures: How many there were in a row.
        longest: The longest pause after the first failure, and after each further one; the last
            repeats. The shortest is half of it.

    Source: Marc Brooker, Exponential Backoff and Jitter (2015).

    """
    bound = longest[min(failures, len(longest)) - 1]
    return random.uniform(bound / 2, bound)
