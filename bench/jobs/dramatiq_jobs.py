"""Dramatiq, two worker processes of eight threads, its default."""

import os
import sys

import dramatiq
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(port=int(os.environ["REDIS_PORT"]))
dramatiq.set_broker(broker)


@dramatiq.actor
def do_nothing() -> None:
    """Do nothing."""


def enqueue(count: int) -> None:
    """Put jobs into the queue."""
    for _ in range(count):
        do_nothing.send()


def waiting() -> int:
    """Return how many jobs are not done; those a worker has fetched are still in this hash."""
    return int(broker.client.hlen("dramatiq:default.msgs"))


def workers() -> list[list[str]]:
    """Return the command lines of the workers."""
    return [[sys.executable, "-m", "dramatiq", "bench.jobs.dramatiq_jobs", "--processes=2"]]
