"""Celery, two worker processes."""

import os
import sys

from celery import Celery

celery = Celery("bench", broker=f"redis://127.0.0.1:{os.environ['REDIS_PORT']}")
celery.conf.task_ignore_result = True


@celery.task
def do_nothing() -> None:
    """Do nothing."""


def enqueue(count: int) -> None:
    """Put jobs into the queue."""
    for _ in range(count):
        do_nothing.delay()


def waiting() -> int:
    """Return how many jobs wait; those a worker has fetched are a few dozen."""
    with celery.connection_for_read() as connection:
        return int(connection.default_channel.client.llen("celery"))


def workers() -> list[list[str]]:
    """Return the command lines of the workers."""
    worker = [sys.executable, "-m", "celery", "--app=bench.jobs.celery_jobs", "worker"]
    return [
        [*worker, "--concurrency=2", "--loglevel=ERROR", "--without-gossip", "--without-mingle"]
    ]
