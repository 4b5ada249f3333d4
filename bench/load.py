"""The load: requests over keep-alive connections to one port of this machine, from one thread."""

import gc
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle

from bench.connections import Connections, Load


def post(path: str, body: bytes) -> bytes:
    """Return a request that sends a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def saturate(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Keep every connection busy: the next request follows the answer to the last."""
    with Connections(port, connections) as pool, _no_collection():
        following = cycle(requests)
        free = pool.all
        began = time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            pool.send(free, following, now)
            free = pool.collect(1)
        pool.finish()
        pool.load.seconds = time.perf_counter() - began
        return pool.load


def offer(
    port: int, requests: Sequence[bytes], *, rate: float, connections: int, seconds: float
) -> Load:
    """Send so many requests a second whatever the answers take; latency counts from the due time.

    A request that is due while all connections are busy waits, and its latency grows: there is
    no coordinated omission (Gil Tene, How NOT to Measure Latency, 2015).
    """
    with Connections(port, connections) as pool, _no_collection():
        following = cycle(requests)
        free = deque(pool.all)
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            while (ahead := due - time.perf_counter()) > 0 or not free:
                pool.sleep(ahead if free else 1)
                free.extend(pool.collect(0))
            pool.send((free.popleft(),), following, due)
        pool.finish()
        pool.load.seconds = time.perf_counter() - began
        return pool.load


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's garbage collector from pausing in the middle."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
