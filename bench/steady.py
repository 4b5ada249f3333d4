"""P2: a steady rate, offered whatever the answers take."""

import time
from collections.abc import Iterator

from bench.connections import Load
from bench.figures import Figure
from bench.load import offer
from bench.saturation import CONNECTIONS, ORDERS
from bench.subjects import Databases, Subject, noop, service
from tests.processes import wait_until

RATE = 1000
SECONDS = {"mariadb": 30.0, "sqlite": 10.0}
NOOP_SECONDS = 5.0
TIMES_NOOP = 4
BACKLOG_SECONDS = 1


def figures(databases: Databases) -> Iterator[Figure]:
    """Yield what a steady 1,000 orders a second do to latency and backlog."""
    with noop() as ceiling, service(databases.create("steady")) as ours:
        for subject in (ceiling, ours):
            _offer(subject, 1)
        before = _offer(ceiling, NOOP_SECONDS)
        reached = _offer(ours, SECONDS[databases.kind])
        ended = time.monotonic()
        # 1,000 orders were to warm up
        wait_until(lambda: ours.completed() >= RATE + reached.created, 30, "backlog worked off")
        backlog_seconds = time.monotonic() - ended
        after = _offer(ceiling, NOOP_SECONDS)
    shared = {"target": "P2", "database": databases.kind}
    yield Figure(
        **shared,
        what=f"p99 at {RATE:,} orders/s / p99 of Flask's no-op",
        rounds=[reached.percentile(0.99) / noop.percentile(0.99) for noop in (before, after)],
        at_most=TIMES_NOOP,
        details={"service": _details(reached), "no-op": [_details(before), _details(after)]},
    )
    yield Figure(**shared, what="refused at that rate", rounds=[reached.refused], at_most=0)
    yield Figure(
        **shared,
        what="until the backlog was 0 after it",
        rounds=[backlog_seconds],
        at_most=BACKLOG_SECONDS,
        unit="s",
    )


def _offer(subject: Subject, seconds: float) -> Load:
    return offer(subject.port, ORDERS, rate=RATE, connections=CONNECTIONS, seconds=seconds)


def _details(load: Load) -> dict[str, object]:
    return {
        f"p{percent:g}_milliseconds": round(load.percentile(percent / 100) * 1000, 2)
        for percent in (50, 95, 99, 99.9)
    }
