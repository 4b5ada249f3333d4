"""P7: what the service does while there is nothing to do."""

import time
from collections.abc import Iterator

from bench.figures import Figure
from bench.subjects import PROCESSES, Databases, service
from bench.usage import Meter

SECONDS = 12
STATEMENTS_PER_SECOND = 2
CPU_PERCENT = 1


def figures(databases: Databases) -> Iterator[Figure]:
    """Yield statements a second and share of a core, of each worker, after some seconds' rest."""
    with service(databases.create("idle")) as subject:
        time.sleep(3)  # registering is over
        meter = Meter(subject.pids())
        before = databases.statements()
        time.sleep(SECONDS)
        used = meter.read()["workers"]
        after = databases.statements()
    shared = {"database": databases.kind, "target": "P7"}
    if before is not None and after is not None:
        run, commits = (now - then for now, then in zip(after, before, strict=True))
        yield Figure(
            **shared,
            what="statements of an idle worker, COMMITs left out",
            rounds=[run / PROCESSES / SECONDS],
            at_most=STATEMENTS_PER_SECOND,
            unit="/s",
            details={"commits_per_second": round(commits / PROCESSES / SECONDS, 2)},
        )
    yield Figure(
        **shared,
        what="CPU of an idle worker",
        rounds=[used.cpu_seconds / PROCESSES / SECONDS * 100],
        at_most=CPU_PERCENT,
        unit="%",
        details={"switches_per_second": round(used.switches / PROCESSES / SECONDS, 1)},
    )
