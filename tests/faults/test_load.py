"""A sender keeps its connection, but for one that the router may be about to close."""

import http.server
import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from tests.faults import load
from tests.faults.journal import Journal
from tests.faults.load import IDLE_SECONDS, Sender, plain_order


class Service(http.server.BaseHTTPRequestHandler):
    """Takes every order."""

    protocol_version = "HTTP/1.1"
    clients: ClassVar[list[object]] = []

    def do_POST(self) -> None:
        self.clients.append(self.client_address)
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"order_id": "A-1", "id": 1}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_connection_that_was_idle_for_long_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = [1000.0]
    monkeypatch.setattr(load, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server,
        Journal(tmp_path / "journal") as journal,
    ):
        threading.Thread(target=server.serve_forever).start()
        sender = Sender(f"http://127.0.0.1:{server.server_port}", journal)
        for number, idle_seconds in enumerate((0, IDLE_SECONDS, IDLE_SECONDS + 1)):
            now[0] += idle_seconds
            assert sender.place(f"k-{number}", plain_order("k", number)).status == 201
        sender.close()
        server.shutdown()
    first, second, third = Service.clients
    assert first == second != third
