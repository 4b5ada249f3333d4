"""Throughput and latency against the rate that is offered."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.load import offer
from bench.saturation import ORDERS
from bench.subjects import Databases, Subject, noop, service

RATES = (500, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 10_000)
CONNECTIONS = 128
SECONDS = 2.0
SATURATED = 0.9
"""Below this share of what is offered a subject has reached its limit."""


@dataclass(frozen=True, slots=True)
class Point:
    """What became of one offered rate; latencies in seconds, from the time each order was due."""

    offered: int
    accepted: float
    p50: float
    p99: float


def points(databases: Databases) -> Iterator[tuple[str, list[Point]]]:
    """Yield the points of Flask's no-op and of the service, rate by rate, until each is saturated.

    Rates rise for both in turns, so that they meet the same machine.
    """
    with noop() as ceiling, service(databases.create("curve")) as ours:
        names = {"Flask's no-op": ceiling, f"the service on {databases.kind}": ours}
        found: dict[str, list[Point]] = {name: [] for name in names}
        for rate in RATES:
            for name, subject in names.items():
                reached = found[name]
                if not reached or reached[-1].accepted > SATURATED * reached[-1].offered:
                    reached.append(_point(subject, rate))
        yield from found.items()


def _point(subject: Subject, rate: int) -> Point:
    load = offer(subject.port, ORDERS, rate=rate, connections=CONNECTIONS, seconds=SECONDS)
    accepted = load.created / load.seconds
    return Point(rate, accepted, load.percentile(0.5), load.percentile(0.99))
