"""Connections to one port of this machine that stay open, and what comes back over them.

As lean as it can be, since it shares the cores with what it measures.
"""

import math
import os
import select
import socket
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

RECEIVE_BYTES = 65536
SEND_BYTES = 200_000
"""What a socket should be able to hold, so that nothing is sent in parts."""
ANSWER_SECONDS = 60
NO_ANSWER = 0
"""The status of a request whose connection was closed instead."""
_LENGTH = b"Content-Length: "


@dataclass(slots=True)
class Load:
    """What a run of requests has brought."""

    seconds: float = 0.0
    """From the first request to the last answer."""
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    """Of every answer, in seconds."""

    @property
    def created(self) -> int:
        """How many orders were taken in."""
        return self.statuses[201]

    @property
    def refused(self) -> int:
        """How many answers were anything else."""
        return self.statuses.total() - self.created

    def percentile(self, fraction: float) -> float:
        """Return the latency that this fraction of the answers did not exceed, in seconds."""
        ranked = sorted(self.latencies)
        rank = math.ceil(len(ranked) * fraction - 1e-9)  # 1000 * (99.9 / 100) is more than 999
        return ranked[rank - 1]


class Connections:
    """Open connections, at most one request under way on each; each is known by its descriptor."""

    def __init__(self, port: int, count: int) -> None:
        self.load = Load()
        self._port = port
        self._poller = select.epoll()
        opened = [self._open() for _ in range(count)]
        self._sockets = {each.fileno(): each for each in opened}
        self._due: dict[int, float] = {}
        self._partial: dict[int, bytes] = {}
        self.all = list(self._sockets)
        for each in self.all:
            self._poller.register(each, select.EPOLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._poller.close()
        for each in self._sockets.values():
            each.close()

    def send(self, free: Iterable[int], requests: Iterator[bytes], due: float) -> None:
        """Send the next requests, one over each of these free connections."""
        for each in free:
            self._due[each] = due
            request = next(requests)
            if self._sockets[each].send(request) < len(request):
                raise RuntimeError(f"{len(request)} bytes do not fit into a socket's buffer")

    def sleep(self, seconds: float) -> None:
        """Return once an answer comes in; on time, where epoll rounds up to a millisecond."""
        select.select((self._poller,), (), (), seconds)

    def collect(self, wait_seconds: float) -> list[int]:
        """Take in the answers that are there; returns the connections that are free again."""
        free = []
        for each, _ in self._poller.poll(wait_seconds):
            try:
                received = self._sockets[each].recv(RECEIVE_BYTES)
            except ConnectionError:  # closed with part of what was sent unread
                received = b""
            if not received:
                self._reopen(each)
                status: int | None = NO_ANSWER
            else:
                received = self._partial.pop(each, b"") + received
                status = _status(received)
            if status is None:
                self._partial[each] = received
            elif each in self._due:
                self.load.latencies.append(time.perf_counter() - self._due.pop(each))
                self.load.statuses[status] += 1
                free.append(each)
        return free

    def finish(self) -> None:
        """Wait for the answers under way."""
        deadline = time.perf_counter() + ANSWER_SECONDS
        while self._due and time.perf_counter() < deadline:
            self.collect(1)
        if self._due:
            raise TimeoutError(f"{len(self._due)} requests got no answer in {ANSWER_SECONDS} s")

    def _open(self) -> socket.socket:
        opened = socket.create_connection(("127.0.0.1", self._port))
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        return opened

    def _reopen(self, closed: int) -> None:
        """Put a new connection in the place of one that the other side has closed."""
        self._partial.pop(closed, None)
        with self._open() as fresh:
            os.dup2(fresh.fileno(), closed)
        self._poller.register(closed, select.EPOLLIN)


def _status(received: bytes) -> int | None:
    """Return the answer's status; None while part of it is missing."""
    head_end = received.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    length_at = received.index(_LENGTH, 0, head_end) + len(_LENGTH)
    length = int(received[length_at : received.index(b"\r", length_at)])
    return int(received[9:12]) if len(received) >= head_end + 4 + length else None
