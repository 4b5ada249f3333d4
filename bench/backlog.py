"""P3: working off a backlog, against job systems that keep nothing on disk."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from sqlalchemy import Engine

from app.clock import utc_now
from app.orders import counters
from app.orders.lifecycle import COMPLETE
from bench import job_systems
from bench.figures import Figure, Skipped
from bench.job_systems import JOBS, NAMES, JobSystems
from bench.subjects import Databases, engine_on, service
from tests.filling import fill
from tests.processes import wait_until

ORDERS = 50_000
ORDERS_PER_SECOND = 20_000
TIMES = {"huey": 2, "celery": 10}
ROUNDS = {"mariadb": 2, "sqlite": 1}
LEAD_SECONDS = 3
"""From filling the table until its orders are due, all at once."""
PACE_SECONDS = 60


def figures(databases: Databases) -> Iterator[Figure | Skipped]:
    """Yield the pace of two workers, and how many times that of each job system it is."""
    paces: dict[str, list[float]] = {}
    absent = job_systems.missing()
    for number in range(ROUNDS[databases.kind]):
        with service(url := databases.create(f"backlog{number}")), engine_on(url) as engine:
            paces.setdefault("service", []).append(_work_off(engine))
        if absent is None:
            with JobSystems() as systems:
                for name in JOBS:
                    paces.setdefault(name, []).append(systems.work_off(name, _pace))
    shared = {"target": "P3", "database": databases.kind}
    yield Figure(
        **shared,
        what=f"a backlog of {ORDERS:,} worked off by two workers",
        rounds=paces["service"],
        at_least=ORDERS_PER_SECOND,
        unit="orders/s",
    )
    for name in JOBS:
        what = f"the same / {NAMES[name]} on a Redis in memory"
        if absent is not None:
            yield Skipped(**shared, what=what, reason=absent)
            continue
        yield Figure(
            **shared,
            what=what,
            rounds=[ours / pace for ours, pace in zip(paces["service"], paces[name], strict=True)],
            at_least=TIMES.get(name),
            details={"jobs_per_second": [round(pace) for pace in paces[name]]},
        )


def _work_off(engine: Engine) -> float:
    fill(engine, pending=ORDERS, available_at=utc_now() + timedelta(seconds=LEAD_SECONDS))
    return _pace(partial(_completed, engine), ORDERS)


def _completed(engine: Engine) -> int:
    with engine.connect() as connection:
        return counters.totals(connection).get(COMPLETE.name, 0)


def _pace(done: Callable[[], int], total: int) -> float:
    """Return how many a second were done, from the first tenth to the last: without the start."""
    seen: list[tuple[float, int]] = []
    for share in (0.1, 0.9):
        wait_until(lambda: done() >= total * share, PACE_SECONDS, f"{share:.0%} of {total} done")  # noqa: B023 -- called before the next share
        seen.append((time.monotonic(), done()))
    (began, few), (ended, many) = seen
    return (many - few) / (ended - began)
