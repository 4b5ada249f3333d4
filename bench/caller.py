"""Requests one after the other, for the time that each takes."""

import http.client
import time
from statistics import median
from typing import Self

from bench.subjects import Subject


class Caller:
    """One connection that stays open."""

    def __init__(self, subject: Subject) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", subject.port, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str) -> float:
        """Return the seconds until the answer was there."""
        began = time.perf_counter()
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"GET {path} was answered with {answer.status}")
        return time.perf_counter() - began


def compare(path: str, one: Caller, other: Caller, *, times: int) -> tuple[float, float]:
    """Return the median seconds that `path` takes on each, asked in turns."""
    pairs = [(one.get(path), other.get(path)) for _ in range(times)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)
