"""The rate limit: so many requests per key, or per address where no key came with them."""

import math
import time
from typing import Final

from flask import Flask, Response, request
from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

from app.api.auth import caller
from app.api.rate_storage import rate_storage
from app.settings import Settings

NOT_LIMITED: Final = frozenset({"/healthz", "/readyz"})
"""Whoever watches over the service should not mistake a limit for an illness."""


def register_rate_limit(app: Flask, settings: Settings) -> None:
    """Have the app keep to the rate limit, if there is one."""
    if settings.rate_limit:
        limit = RateLimit(parse(settings.rate_limit))
        app.before_request(limit.check)
        app.after_request(limit.tell)


class RateLimit:
    """One limit for every caller, each counted alone.

    Source of the header fields: draft-ietf-httpapi-ratelimit-headers-10.
    """

    def __init__(self, quota: RateLimitItem) -> None:
        self._quota = quota
        self._limiter = FixedWindowRateLimiter(rate_storage())
        self._policy = f'"default";q={quota.amount};w={quota.get_expiry()}'

    def check(self) -> None:
        """Count the current request.

        Raises:
            TooManyRequests: It is one too many.

        """
        if request.path not in NOT_LIMITED and not self._limiter.hit(self._quota, *_counted_as()):
            raise TooManyRequests(
                f"the limit is {self._quota}", retry_after=max(1, self._left()[1])
            )

    def tell(self, response: Response) -> Response:
        """Say in the answer's header what the limit is and what is left of it."""
        if request.path not in NOT_LIMITED:
            remaining, seconds = self._left()
            response.headers["RateLimit-Policy"] = self._policy
            response.headers["RateLimit"] = f'"default";r={remaining};t={seconds}'
        return response

    def _left(self) -> tuple[int, int]:
        """Return the requests that are left and the seconds until they are as many as ever."""
        window = self._limiter.get_window_stats(self._quota, *_counted_as())
        return window.remaining, max(0, math.ceil(window.reset_time - time.time()))


def _counted_as() -> tuple[str, str]:
    key = caller()
    return ("key", key.name) if key else ("address", request.remote_addr or "")
