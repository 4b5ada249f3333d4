"""RQ, two worker processes that fork for no job, which is its fastest."""

import os
import sys

from redis import Redis
from rq import Queue

queue = Queue(connection=Redis(port=int(os.environ["REDIS_PORT"])))


def do_nothing() -> None:
    """Do nothing."""


def enqueue(count: int) -> None:
    """Put jobs into the queue."""
    jobs = (Queue.prepare_data(do_nothing, result_ttl=0) for _ in range(count))
    queue.enqueue_many(jobs)


def waiting() -> int:
    """Return how many jobs wait."""
    return len(queue)


def workers() -> list[list[str]]:
    """Return the command lines of the workers."""
    url = f"redis://127.0.0.1:{os.environ['REDIS_PORT']}"
    command = [sys.executable, "-m", "rq.cli", "worker", "--worker-class=rq.SimpleWorker"]
    worker = [*command, f"--url={url}", "--quiet"]
    return [worker, worker]
