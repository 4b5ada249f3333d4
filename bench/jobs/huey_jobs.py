"""Huey, two worker processes."""

import os
import sys

from huey import RedisHuey

huey = RedisHuey("bench", port=int(os.environ["REDIS_PORT"]), results=False)


@huey.task()
def do_nothing() -> None:
    """Do nothing."""


def enqueue(count: int) -> None:
    """Put jobs into the queue."""
    for _ in range(count):
        do_nothing()


def waiting() -> int:
    """Return how many jobs wait."""
    return int(huey.pending_count())


def workers() -> list[list[str]]:
    """Return the command lines of the workers."""
    consumer = [sys.executable, "-m", "huey.bin.huey_consumer", "bench.jobs.huey_jobs.huey"]
    return [[*consumer, "--workers=2", "--worker-type=process", "--quiet", "--no-periodic"]]
