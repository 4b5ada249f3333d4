"""P5: many orders in one request, against the driver writing the same rows."""

import json
import time
from collections.abc import Iterator

from app.database import prepare_engine
from bench.figures import Figure
from bench.load import post, saturate
from bench.plain import Writer, row_of, writer_on
from bench.saturation import BODIES
from bench.subjects import Databases, Subject, engine_on, service
from tests.databases import migrate

OF_PLAIN = 0.5
BATCH = 1000
REQUESTS = [post("/orders/bulk", json.dumps({"orders": BODIES[:BATCH]}).encode())]
CONNECTIONS = 4
ROUNDS = 3
SECONDS = 1.5
# Of taking in alone: each worker works on its first order and on no other.
SLOW = {"PROCESSING_SECONDS": 3600, "LEASE_SECONDS": 3600, "MAX_BACKLOG": 10_000_000}


def figures(databases: Databases) -> Iterator[Figure]:
    """Yield how many orders a second bulk requests take in, of what the driver writes alone."""
    migrate(url := databases.create("bulk_plain"))
    with (
        service(databases.create("bulk"), **SLOW) as subject,
        engine_on(url) as engine,
    ):
        prepare_engine(engine)
        with writer_on(engine) as writer:
            rounds = [(_plainly(writer), _in_bulk(subject)) for _ in range(ROUNDS + 1)][1:]
    yield Figure(
        target="P5",
        what=f"orders taken in by {BATCH:,} in a request / rows the driver writes by {BATCH:,}",
        database=databases.kind,
        rounds=[taken_in / written for written, taken_in in rounds],
        at_least=OF_PLAIN,
        details={
            "rows_per_second": [round(written) for written, _ in rounds],
            "orders_per_second": [round(taken_in) for _, taken_in in rounds],
        },
    )


def _plainly(writer: Writer) -> float:
    """Return how many rows a second the driver writes."""
    written, spent = 0, 0.0
    while spent < SECONDS:
        rows = [row_of(body) for body in BODIES[:BATCH]]
        began = time.perf_counter()
        writer.write(rows)
        spent += time.perf_counter() - began
        written += BATCH
    return written / spent


def _in_bulk(subject: Subject) -> float:
    """Return how many orders a second are taken in."""
    load = saturate(subject.port, REQUESTS, connections=CONNECTIONS, seconds=SECONDS)
    if load.refused:
        raise RuntimeError(f"bulk requests were answered with {dict(load.statuses)}")
    return load.created * BATCH / load.seconds
