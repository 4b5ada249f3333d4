"""P8: one order on an idle service."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

from app.database import prepare_engine
from bench.figures import Figure
from bench.plain import Writer, row_of, writer_on
from bench.saturation import BODIES, ORDERS
from bench.subjects import Databases, Subject, engine_on, service
from tests.databases import migrate

TIMES_PLAIN = 3
HANDED_OVER_MILLISECONDS = 5
ROUNDS = 3
ORDERS_A_ROUND = 100
PAUSE_SECONDS = 0.01
"""Between two orders, so that the service is idle again."""


def figures(databases: Databases) -> Iterator[Figure]:
    """Yield what an order's way to disk adds to a plain INSERT, and when its handler is called."""
    handed_over = socket.socket(type=socket.SOCK_DGRAM)
    handed_over.bind(("127.0.0.1", 0))
    handed_over.settimeout(10)
    report = {
        "ORDER_HANDLER": "bench.handlers:report",
        "HANDLED_PORT": handed_over.getsockname()[1],
    }
    migrate(url := databases.create("lone_plain"))
    with (
        closing(handed_over),
        service(databases.create("lone"), **report) as subject,
        engine_on(url) as engine,
    ):
        prepare_engine(engine)
        with writer_on(engine) as writer:
            rounds = [_round(subject, handed_over, writer) for _ in range(ROUNDS + 1)][1:]
    shared = {"target": "P8", "database": databases.kind}
    yield Figure(
        **shared,
        what="one order on an idle service / a plain INSERT and COMMIT of it",
        rounds=[answered / plain for plain, answered, _ in rounds],
        at_most=TIMES_PLAIN,
        details={
            "plain_milliseconds": [round(plain * 1000, 3) for plain, _, _ in rounds],
            "answered_milliseconds": [round(answered * 1000, 3) for _, answered, _ in rounds],
        },
    )
    yield Figure(
        **shared,
        what="from its answer until its handler is called",
        rounds=[handed_over * 1000 for _, _, handed_over in rounds],
        at_most=HANDED_OVER_MILLISECONDS,
        unit="ms",
    )


def _round(
    subject: Subject, handed_over: socket.socket, writer: Writer
) -> tuple[float, float, float]:
    """Return the median seconds of a plain INSERT, until an answer, and from there to the handler.

    The last is negative where the handler was faster than the answer.
    """
    plain, answered, handled = [], [], []
    with socket.create_connection(("127.0.0.1", subject.port)) as connection:
        for body, request in zip(BODIES[:ORDERS_A_ROUND], ORDERS, strict=False):
            row = row_of(body)
            began = time.monotonic()
            writer.write([row])
            plain.append(time.monotonic() - began)
            time.sleep(PAUSE_SECONDS)
            began = time.monotonic()
            connection.sendall(request)
            answer = connection.recv(65536)
            ended = time.monotonic()
            answered.append(ended - began)
            if json.loads(answer.partition(b"\r\n\r\n")[2])["status"] != "PENDING":
                raise RuntimeError(f"an order was answered with {answer!r}")
            handled.append(float(handed_over.recv(1024).split()[1]) - ended)
            time.sleep(PAUSE_SECONDS)
    return median(plain), median(answered), median(handled)
