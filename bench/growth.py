"""P4 and P6: what two million orders, half of them unfinished, do to requests and to memory."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.caller import Caller, compare
from bench.figures import Figure
from bench.load import saturate
from bench.saturation import CONNECTIONS, ORDERS
from bench.subjects import Databases, Subject, engine_on, service
from tests.filling import fill

SMALL = 1000
LARGE = 2_000_000
PATHS = ("/metrics", "/orders")
TIMES_SMALL = 1.2
TIMES_IDLE = 1.3
ROUNDS = 3
REQUESTS = 100
TAKEN_IN_SECONDS = 5
"""How long to send orders, so that each worker takes in more than its queue of hints holds."""
# The first order of each worker lasts longer than all of this, and is not taken for one that hangs.
SLOW = {"PROCESSING_SECONDS": 3600, "LEASE_SECONDS": 3600, "MAX_BACKLOG": 2 * LARGE}


def figures(databases: Databases) -> Iterator[Figure]:
    """Yield how much slower reads get with the table, and how much larger a worker with its queue.

    Half of the orders of either table are unfinished.
    """
    with ExitStack() as services:
        small, large = (
            services.enter_context(_filled(databases, orders)) for orders in (SMALL, LARGE)
        )
        yield from _reads(small, large, databases.kind)
        load = saturate(large.port, ORDERS, connections=CONNECTIONS, seconds=TAKEN_IN_SECONDS)
        idle, loaded = (_resident_bytes(each) for each in (small, large))
    yield Figure(
        target="P6",
        what=f"memory of a worker with {LARGE // 2:,} orders waiting / of one with {SMALL // 2:,}",
        database=databases.kind,
        rounds=[much / little for much, little in zip(loaded, idle, strict=True)],
        at_most=TIMES_IDLE,
        details={"bytes": [idle, loaded], "taken in over HTTP": load.created},
    )


def _reads(small: Subject, large: Subject, kind: str) -> Iterator[Figure]:
    with Caller(small) as at_small, Caller(large) as at_large:
        for path in PATHS:
            compare(path, at_small, at_large, times=REQUESTS // 5)  # to warm up
            rounds = [compare(path, at_small, at_large, times=REQUESTS) for _ in range(ROUNDS)]
            yield Figure(
                target="P4",
                what=f"GET {path} at {LARGE:,} orders / at {SMALL:,}",
                database=kind,
                rounds=[many / few for few, many in rounds],
                at_most=TIMES_SMALL,
                details={
                    "milliseconds at the small table": [_milliseconds(few) for few, _ in rounds],
                    "milliseconds at the large table": [_milliseconds(many) for _, many in rounds],
                },
            )


def _filled(databases: Databases, orders: int) -> Subject:
    subject = service(url := databases.create(f"growth{orders}"), **SLOW)
    with engine_on(url) as engine:
        fill(engine, pending=orders // 2, completed=orders // 2)
    return subject


def _resident_bytes(subject: Subject) -> list[int]:
    """Return the memory of each worker that is its own and in use."""
    return [_private_bytes(pid) for pid in subject.worker_pids()]


def _private_bytes(pid: int) -> int:
    usage = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in usage if line.startswith("Private_"))


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
