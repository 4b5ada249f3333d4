"""A TCP proxy before the database that breaks connections around COMMIT, or is slow."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from typing import Self

from tests.processes import free_port

COMMIT = b"COMMIT"
CHUNK_BYTES = 65536


class Cut(Enum):
    """Where a connection breaks."""

    BEFORE = auto()
    """COMMIT never reaches the server."""
    AFTER = auto()
    """COMMIT reaches the server, its answer is not waited for."""
    ANSWER = auto()
    """The server has answered COMMIT, and the client never hears of it."""
    SILENCE = auto()
    """The same, and the connection stays open."""


class Proxy:
    """Forwards connections to a port of this host until the `with` ends.

    Args:
        target_port: The database's.

    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.delay_seconds = 0.0
        """Before each piece of data goes on, in either direction."""
        self.piece_bytes = CHUNK_BYTES
        """How much is handed on at once."""
        self._target = target_port
        self._armed: list[tuple[Cut, bytes]] = []
        self._mutex = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        """Begin to accept."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Break every connection."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            _break(each)

    def cut_next(self, cut: Cut, marker: bytes) -> None:
        """Break the next connection that commits a transaction with `marker` in a statement."""
        with self._mutex:
            self._armed.append((cut, marker))

    @property
    def armed(self) -> int:
        """How many cuts are still to come."""
        return len(self._armed)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _break(client)
                continue
            for each in (client, server):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _Link(self, client, server).start()

    def take(self, spoken: bytes) -> Cut | None:
        """Return the cut meant for a transaction in which this was said; None if there is none."""
        with self._mutex:
            for number, (cut, marker) in enumerate(self._armed):
                if marker in spoken:
                    del self._armed[number]
                    return cut
        return None

    def joined(self, *ends: socket.socket) -> None:
        """Remember the two ends of a link that is open."""
        self._open |= set(ends)

    def parted(self, *ends: socket.socket) -> None:
        """Forget them, and break them."""
        self._open -= set(ends)
        for each in ends:
            _break(each)


class _Link:
    """One connection: a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._spoken = b""
        self._cut: Cut | None = None

    def start(self) -> None:
        self._proxy.joined(self._client, self._server)
        for direction in (self._to_server, self._to_client):
            threading.Thread(target=self._run, args=(direction,), daemon=True).start()

    def _run(self, direction: Callable[[], None]) -> None:
        with suppress(OSError):
            direction()
        self._proxy.parted(self._client, self._server)

    def _to_server(self) -> None:
        while data := self._client.recv(CHUNK_BYTES):
            self._spoken += data
            if COMMIT in data:
                self._cut = self._proxy.take(self._spoken)
                self._spoken = b""
            if self._cut is Cut.BEFORE:
                return
            self._hand_on(self._server, data)
            if self._cut is Cut.AFTER:
                self._server.shutdown(socket.SHUT_WR)
                return

    def _to_client(self) -> None:
        while data := self._server.recv(CHUNK_BYTES):
            if self._cut is Cut.SILENCE:
                continue
            if self._cut is not None:
                return
            self._hand_on(self._client, data)

    def _hand_on(self, to: socket.socket, data: bytes) -> None:
        for start in range(0, len(data), self._proxy.piece_bytes):
            if self._proxy.delay_seconds:
                time.sleep(self._proxy.delay_seconds)
            to.sendall(data[start : start + self._proxy.piece_bytes])


def _break(end: socket.socket) -> None:
    """Close for both sides, also under a thread that waits for data."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
