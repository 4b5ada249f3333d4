"""The load client, against a stand-in for the service that errs in every way it must survive."""

from __future__ import annotations

import asyncio
import dataclasses
import http.server
import itertools
import json
import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import client

CLIENT = Path(client.__file__)
RUN_SECONDS = 30


# --- the stand-in ----------------------------------------------------------------------------

Fault = Callable[["Handler"], bool]  # returns whether the request is done with


@dataclass
class Service:
    """Takes orders and completes them at once, but for the faults it is told to have.

    What it holds outlives a restart, as a database does.
    """

    port: int = 0
    knows_backlog: bool = True
    knows_keys: bool = True  # an idempotency key is good for one order
    status: str = "COMPLETED"  # of every order
    oddity: dict[str, Any] = field(default_factory=dict)  # the same
    delay_seconds: float = 0.0
    framing: str = "length"  # or "chunked", or "close"
    faults: deque[Fault] = field(default_factory=deque)  # one for each of the next creates
    page_fault: Fault = lambda _: False  # for every page
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)  # by key
    creates: list[tuple[float, str, dict[str, str]]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)  # the other side's, of all that created
    lock: threading.RLock = field(default_factory=threading.RLock)
    connections: set[socket.socket] = field(default_factory=set)
    after_create: Callable[[], None] = lambda: None
    before_read: Callable[[], None] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> list[str]:
        """The idempotency key of each create, in the order of their arrival."""
        return [headers["idempotency-key"] for _, _, headers in self.creates]

    def start(self) -> None:
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.service = self
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def stop(self) -> None:
        """Stops as if killed: listens no more, and cuts every connection."""
        self.server.shutdown()
        self.thread.join()
        self.server.socket.close()
        for connection in list(self.connections):
            cut(connection)
        self.server.server_close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def make(self, orders: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
        with self.lock:
            if self.knows_keys and key in self.answers:
                return self.answers[key]
            made = [self.insert(order) for order in orders]
            self.answers[key] = made
            return made

    def insert(self, order: dict[str, Any]) -> dict[str, Any]:
        number = next(self.numbers)
        ended = self.status in ("COMPLETED", "FAILED")
        row = (
            order
            | {
                "id": number,
                "order_id": f"order-{number}",
                "status": self.status,
                "error": "out of paper" if self.status == "FAILED" else None,
                "created_at": "2026-01-02T03:04:05.000000Z",
                "completed_at": "2026-01-02T03:04:05.250000Z" if ended else None,
                "pending_duration": 0.125,
                "total_duration": 0.25,
            }
            | self.oddity
        )
        self.orders[row["order_id"]] = row
        return row

    def page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        rows = [row for row in self.orders.values() if row["user_id"] == query["user_id"][0]]
        start, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        more = start + limit < len(rows)
        return {
            "data": rows[::-1][start : start + limit],
            "has_more": more,
            "next_cursor": str(start + limit) if more else None,
        }

    def metrics(self) -> dict[str, Any]:
        states = Counter(row["status"] for row in self.orders.values())
        return {
            "pending_count": states["PENDING"],
            "processing_count": 0,
            "processed_count": states["COMPLETED"],
            "failed_count": states["FAILED"],
            "cancelled_count": states["CANCELLED"],
        }


class Server(http.server.ThreadingHTTPServer):
    service: Service
    daemon_threads = False
    request_queue_size = 128


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def setup(self) -> None:
        super().setup()
        self.service = self.server.service
        self.service.connections.add(self.connection)

    def finish(self) -> None:
        self.service.connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True  # the connection was cut

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.service.lock:
            self.service.creates.append((time.monotonic(), self.path, headers))
            self.service.ports.add(self.client_address[1])
            fault = self.service.faults.popleft() if self.service.faults else None
        if fault is None or not fault(self):
            time.sleep(self.service.delay_seconds)
            self.answer(201, self.create())
        self.service.after_create()

    def create(self) -> dict[str, Any]:
        document = json.loads(self.body)
        orders = document["orders"] if self.path == "/orders/bulk" else [document]
        rows = self.service.make(orders, self.headers["Idempotency-Key"])
        results = [{"status": 201, "order_id": row["order_id"], "id": row["id"]} for row in rows]
        if self.path == "/orders/bulk":
            return {"results": results}
        return {"message": "Order created successfully!"} | results[0] | {"status": "PENDING"}

    def do_GET(self) -> None:
        self.service.reads.append(self.path)
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        with self.service.lock:
            self.service.before_read()
            if path == "/metrics" and self.service.knows_backlog:
                self.answer(200, self.service.metrics())
            elif path == "/orders":
                if not self.service.page_fault(self):
                    self.answer(200, self.service.page(query))
            elif (row := self.service.orders.get(path.removeprefix("/orders/"))) is not None:
                self.answer(200, row)
            else:
                self.answer(404, {"code": "order_not_found"})

    def answer(self, status: int, document: object, **headers: str) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.service.framing == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
            body = b"5;x=y\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (body[:5], len(body) - 5, body[5:])
        elif self.service.framing == "length":
            self.send_header("Content-Length", str(len(body)))
        else:
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


def cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it was closed already


def hang_up(handler: Handler) -> bool:
    cut(handler.connection)
    handler.close_connection = True
    return True


def create_and_hang_up(handler: Handler) -> bool:
    handler.create()
    return hang_up(handler)


def create_and_forget(handler: Handler) -> bool:
    answer = handler.create()
    del handler.service.orders[answer["order_id"]]
    handler.answer(201, answer)
    return True


def answer_with(status: int, document: object, **headers: str) -> Fault:
    def fault(handler: Handler) -> bool:
        handler.answer(status, document, **headers)
        return True

    return fault


def refuse(status: int, code: str, **headers: str) -> Fault:
    return answer_with(status, {"code": code}, **headers)


def no_fault(_: Handler) -> bool:
    return False


@pytest.fixture
def service() -> Iterator[Service]:
    stand_in = Service()
    stand_in.start()
    yield stand_in
    stand_in.stop()


@dataclass
class Outcome:
    status: int
    out: str
    err: str

    @property
    def proof(self) -> str:
        found = re.search(r"accepted \d+, .*", self.out)
        assert found is not None, self.out
        return found[0]


Load = Callable[..., Outcome]


@pytest.fixture
def load(service: Service, capsys: pytest.CaptureFixture[str]) -> Load:
    """Runs the client against the service; returns its exit status and what it wrote."""

    def run(*arguments: str) -> Outcome:
        try:
            status = client.main(["--url", service.url, *arguments])
        except SystemExit as exit_:
            status = exit_.code
        return Outcome(status, *capsys.readouterr())

    return run


# --- the proof -------------------------------------------------------------------------------


def test_orders_are_accepted_completed_and_read_back_in_pages(service: Service, load: Load) -> None:
    outcome = load("--num_requests=450")
    assert outcome.proof == "accepted 450, completed 450, lost 0, duplicated 0"
    assert outcome.status == 0
    assert sum("limit=200" in target for target in service.reads) % 3 == 0
    assert len(set(service.keys)) == 450


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_every_way_to_delimit_an_answer_is_understood(
    service: Service, load: Load, framing: str
) -> None:
    service.framing = framing
    outcome = load("--num_requests=20", "--concurrency=4")
    assert outcome.proof == "accepted 20, completed 20, lost 0, duplicated 0"
    assert "none" in outcome.out.partition("Errors")[2]


def test_a_connection_that_the_service_is_about_to_close_is_not_used_again(
    service: Service, load: Load
) -> None:
    def announce_the_end(handler: Handler) -> bool:
        handler.answer(201, handler.create(), Connection="close")
        handler.close_connection = False  # it never comes, but who can know
        return True

    service.faults += [announce_the_end] * 5
    load("--num_requests=5", "--concurrency=1", "--no-wait")
    assert len(service.ports) == 5


def test_orders_go_in_bulk(service: Service, load: Load) -> None:
    outcome = load("--num_requests=25", "--batch-size=10")
    assert outcome.proof == "accepted 25, completed 25, lost 0, duplicated 0"
    assert outcome.status == 0
    assert [path for _, path, _ in service.creates] == ["/orders/bulk"] * 3


@pytest.mark.parametrize("results", [5, None, ["a", None, [], {}]])
def test_an_answer_in_bulk_that_is_none_promises_no_order(
    service: Service, load: Load, results: object
) -> None:
    service.faults += [answer_with(201, {"results": results})]
    outcome = load("--num_requests=3", "--batch-size=3")
    assert outcome.proof == "accepted 0, completed 0, lost 0, duplicated 0"
    assert re.search(r"Refused +3\n", outcome.out)
    assert "HTTP 201 but not what was asked for" in outcome.out
    assert outcome.status == 1


def test_an_answer_in_bulk_promises_no_more_orders_than_were_sent(
    service: Service, load: Load
) -> None:
    results = [{"status": 201, "order_id": f"order-{number}"} for number in range(1, 51)]
    service.faults += [answer_with(201, {"results": results})]
    outcome = load("--num_requests=3", "--batch-size=3")
    assert outcome.proof == "accepted 3, completed 0, lost 3, duplicated 0"
    assert "3 accepted of 3 sent" in outcome.out


def test_an_order_that_is_gone_is_lost(service: Service, load: Load) -> None:
    service.faults += [no_fault, no_fault, create_and_forget]
    outcome = load("--num_requests=5", "--concurrency=1")
    assert outcome.proof == "accepted 5, completed 4, lost 1, duplicated 0"
    assert "order-3: lost" in outcome.out
    assert outcome.status == 1


def test_a_service_that_ignores_keys_is_caught_duplicating(service: Service, load: Load) -> None:
    service.knows_keys = False
    service.faults += [no_fault, create_and_hang_up]
    outcome = load("--num_requests=5", "--concurrency=1")
    assert outcome.proof == "accepted 5, completed 5, lost 0, duplicated 1"
    assert outcome.status == 1


def test_an_order_with_another_id_than_promised_is_not_the_one_promised(
    service: Service, load: Load
) -> None:
    def promise_another_id(handler: Handler) -> bool:
        handler.answer(201, handler.create() | {"id": 999})
        return True

    service.faults += [promise_another_id]
    outcome = load("--num_requests=1")
    assert outcome.proof == "accepted 1, completed 0, lost 1, duplicated 1"
    assert outcome.status == 1


def test_two_keys_answered_with_one_order_are_a_duplicate(service: Service, load: Load) -> None:
    def answer_with_the_first(handler: Handler) -> bool:
        handler.answer(201, {"order_id": "order-1", "id": 1, "status": "PENDING"})
        return True

    service.faults += [no_fault, answer_with_the_first]
    outcome = load("--num_requests=3", "--concurrency=1")
    assert outcome.proof == "accepted 3, completed 2, lost 0, duplicated 1"
    assert outcome.status == 1


def test_an_order_whose_request_was_given_up_is_told_apart_from_a_duplicate(
    service: Service, load: Load
) -> None:
    service.faults += [create_and_hang_up] * 50
    outcome = load("--num_requests=1", "--timeout=3")
    assert outcome.proof == "accepted 0, completed 0, lost 0, duplicated 0"
    assert "unacknowledged 1" in outcome.out
    assert outcome.status == 1


def test_of_the_orders_of_one_request_that_promised_none_all_but_one_are_duplicates(
    service: Service, load: Load
) -> None:
    service.knows_keys = False
    service.faults += [create_and_hang_up, create_and_hang_up, refuse(400, "never")]
    outcome = load("--num_requests=1")
    assert outcome.proof == "accepted 0, completed 0, lost 0, duplicated 1"
    assert "unacknowledged 1" in outcome.out


def test_failed_orders_are_reported_and_count_as_not_completed(
    service: Service, load: Load
) -> None:
    service.status = "FAILED"
    outcome = load("--num_requests=5")
    assert outcome.proof == "accepted 5, completed 0, lost 0, duplicated 0"
    assert "failed 5" in outcome.out
    assert "order-1: out of paper" in outcome.out
    assert outcome.status == 1


def test_an_order_that_vanishes_while_others_are_waited_for_is_lost(
    service: Service, load: Load
) -> None:
    service.status = "PENDING"

    def end_one_then_remove_it() -> None:
        pages = sum(target.startswith("/orders?") for target in service.reads)
        if pages == 1:
            service.orders["order-2"]["status"] = "COMPLETED"
        elif pages > 1:
            service.orders.pop("order-1", None)
            service.orders["order-2"]["status"] = "COMPLETED"

    service.before_read = end_one_then_remove_it
    service.knows_backlog = False
    outcome = load("--num_requests=2", "--concurrency=1")
    assert outcome.proof == "accepted 2, completed 1, lost 1, duplicated 0"
    assert outcome.status == 1


def test_waiting_ends_when_nothing_has_moved_for_the_timeout(service: Service, load: Load) -> None:
    service.status = "PENDING"
    outcome = load("--num_requests=5", "--timeout=3")
    assert outcome.proof == "accepted 5, completed 0, lost 0, duplicated 0"
    assert "unfinished 5" in outcome.out
    assert outcome.status == 1


def test_waiting_lasts_as_long_as_orders_move(service: Service, load: Load) -> None:
    end_one_a_second(service, *["COMPLETED"] * 5)
    outcome = load("--num_requests=5", "--timeout=3")
    assert outcome.proof == "accepted 5, completed 5, lost 0, duplicated 0"


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_waiting_lasts_as_long_as_orders_before_ours_end(
    service: Service, load: Load, status: str
) -> None:
    end_one_a_second(service, *[status] * 4, "COMPLETED")
    for _ in range(4):
        service.insert({"user_id": "other", "item_ids": [1]})
    outcome = load("--num_requests=1", "--timeout=3")
    assert outcome.proof == "accepted 1, completed 1, lost 0, duplicated 0"


def end_one_a_second(service: Service, *statuses: str) -> None:
    """Has the first orders end so, each a second after the one before it."""
    service.status = "PENDING"
    first_look: list[float] = []

    def end_what_is_due() -> None:
        first_look.append(time.monotonic())
        due = int(first_look[-1] - first_look[0])
        for row, status in zip(service.orders.values(), statuses[:due], strict=False):
            row["status"] = status

    service.before_read = end_what_is_due


def test_the_orders_of_others_do_not_keep_the_client_waiting(service: Service, load: Load) -> None:
    service.status = "PENDING"
    others = itertools.count(1000)

    def place_another_and_complete_it() -> None:
        for row in service.orders.values():
            row["status"] = "COMPLETED" if row["user_id"] == "other" else row["status"]
        service.insert({"user_id": "other", "item_ids": [next(others)]})
        service.orders["order-3"]["status"] = "COMPLETED"

    service.before_read = place_another_and_complete_it
    outcome = load("--num_requests=3", "--concurrency=1", "--timeout=3")
    assert outcome.proof == "accepted 3, completed 1, lost 0, duplicated 0"
    assert "unfinished 2: none of them moved for 3 s" in outcome.out


@pytest.mark.parametrize("others_end", [True, False])
def test_others_that_go_on_coming_are_no_reason_to_wait_for_an_order_that_is_stuck(
    service: Service, load: Load, others_end: bool
) -> None:
    service.status = "PENDING"

    def place_another() -> None:
        for row in service.orders.values():
            row["status"] = "COMPLETED" if others_end and row["user_id"] == "other" else "PENDING"
        service.insert({"user_id": "other", "item_ids": [1]})

    service.before_read = place_another
    outcome = load("--num_requests=3", "--timeout=3")
    assert outcome.proof == "accepted 3, completed 0, lost 0, duplicated 0"
    assert "unfinished 3: none of them moved for 3 s" in outcome.out
    assert outcome.status == 1


@pytest.fixture
def no_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has whatever fails given up at once: no pause before a repetition fits into the timeout."""
    monkeypatch.setattr(client, "BACKOFF_SECONDS", (1e6, 1e6))


@pytest.mark.usefixtures("no_second_try")
def test_orders_that_cannot_be_read_back_are_not_proven(service: Service, load: Load) -> None:
    def cut_off() -> None:
        raise ConnectionAbortedError

    service.before_read = cut_off
    outcome = load("--num_requests=5", "--timeout=30")
    assert re.search(r"accepted 5, not .* \(could not read the orders back: conn.*\)", outcome.out)
    assert outcome.status == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_orders_that_no_page_shows_are_not_proven(
    service: Service, load: Load, status: int
) -> None:
    service.knows_keys = False
    service.faults += [create_and_hang_up]  # the duplicate would stand on a page, and nowhere else
    service.page_fault = refuse(status, "no_pages")
    outcome = load("--num_requests=5", "--concurrency=1")
    reason = f"could not read the orders back: GET /orders: HTTP {status} no_pages"
    assert outcome.proof == f"accepted 5, not followed to their end ({reason})"
    assert outcome.status == 1


@pytest.mark.parametrize(
    "page",
    [
        {"data": None},
        {"data": 5},
        {"data": ["a"]},
        {"data": [{"id": 1}]},
        {"data": [], "has_more": True, "next_cursor": "again"},
        {"data": [], "has_more": True, "next_cursor": "\ud800"},
    ],
)
def test_a_page_of_another_shape_leaves_the_orders_unproven(
    service: Service, load: Load, page: dict[str, Any]
) -> None:
    service.page_fault = answer_with(200, page)
    outcome = load("--num_requests=3")
    assert re.search(
        r"accepted 3, not .* \(could not read the orders back: (GET|this is no order)", outcome.out
    )
    assert outcome.status == 1


@pytest.mark.parametrize(
    "oddity",
    [
        {"created_at": 5},
        {"completed_at": "yesterday"},
        {"pending_duration": "0.125"},
        {"total_duration": 10**400},
    ],
)
def test_an_order_with_a_figure_of_another_shape_counts_as_any_other(
    service: Service, load: Load, oddity: dict[str, Any]
) -> None:
    service.oddity = oddity
    outcome = load("--num_requests=3")
    assert outcome.proof == "accepted 3, completed 3, lost 0, duplicated 0"
    assert outcome.status == 0


@pytest.mark.parametrize("oddity", [{"id": [1]}, {"item_ids": [[1]]}])
def test_an_order_of_another_shape_that_nobody_was_promised_counts_as_any_other(
    service: Service, load: Load, oddity: dict[str, Any]
) -> None:
    service.oddity = oddity
    service.faults += [create_and_hang_up, refuse(400, "never")]
    outcome = load("--num_requests=1")
    assert outcome.proof == "accepted 0, completed 0, lost 0, duplicated 0"
    assert "unacknowledged 1" in outcome.out


@pytest.mark.parametrize("figure", [None, "1", [1]])
def test_a_backlog_of_another_shape_is_none(service: Service, load: Load, figure: object) -> None:
    service.metrics = lambda: {"pending_count": figure, "processed_count": figure}
    outcome = load("--num_requests=3")
    assert outcome.proof == "accepted 3, completed 3, lost 0, duplicated 0"
    assert outcome.status == 0


def test_a_promise_that_no_url_can_hold_is_of_an_order_that_is_lost(
    service: Service, load: Load
) -> None:
    service.faults += [answer_with(201, {"order_id": "\ud800"})]
    outcome = load("--num_requests=1")
    assert outcome.proof == "accepted 1, completed 0, lost 1, duplicated 0"


def test_without_waiting_nothing_is_read_back(service: Service, load: Load) -> None:
    service.status = "PENDING"
    outcome = load("--num_requests=5", "--no-wait")
    assert outcome.proof == "accepted 5, not followed to their end (--no-wait)"
    assert (outcome.status, service.reads) == (0, [])


# --- repeating -------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [hang_up, create_and_hang_up])
def test_a_broken_connection_is_repeated_under_the_same_key(
    service: Service, load: Load, fault: Fault
) -> None:
    service.faults += [fault] * 3
    outcome = load("--num_requests=3", "--concurrency=1")
    assert outcome.proof == "accepted 3, completed 3, lost 0, duplicated 0"
    assert outcome.status == 0
    assert service.keys[0:4] == [service.keys[0]] * 4
    assert len(set(service.keys)) == 3


def test_a_bulk_request_is_repeated_under_the_same_key(service: Service, load: Load) -> None:
    service.faults += [create_and_hang_up] * 2
    outcome = load("--num_requests=25", "--batch-size=10", "--concurrency=1")
    assert outcome.proof == "accepted 25, completed 25, lost 0, duplicated 0"
    assert outcome.status == 0
    assert len(service.keys) == 5
    assert len(set(service.keys)) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_answer_that_asks_for_patience_is_repeated(
    service: Service, load: Load, status: int
) -> None:
    service.faults += [refuse(status, "later")] * 2
    outcome = load("--num_requests=1")
    assert outcome.status == 0
    assert f"HTTP {status} later" in outcome.out
    assert len(service.keys) == 3
    assert len(set(service.keys)) == 1


@pytest.mark.parametrize("status", [409, 503])
def test_retry_after_is_honoured(service: Service, load: Load, status: int) -> None:
    service.faults += [refuse(status, "busy", Retry_After="1")]
    assert load("--num_requests=1").status == 0
    (first, *_), (second, *_) = service.creates
    assert 1.0 <= second - first < RUN_SECONDS


@pytest.mark.parametrize("status", [400, 401, 409, 422, 500])
def test_a_final_no_is_not_repeated(service: Service, load: Load, status: int) -> None:
    service.faults += [refuse(status, "never")]
    outcome = load("--num_requests=3", "--concurrency=1")
    assert outcome.proof == "accepted 2, completed 2, lost 0, duplicated 0"
    assert f"HTTP {status} never" in outcome.out
    assert outcome.status == 1
    assert len(service.keys) == 3


def test_a_request_is_given_up_after_the_timeout(service: Service, load: Load) -> None:
    service.faults += [refuse(503, "down", Retry_After="3600")]
    outcome = load("--num_requests=2", "--concurrency=1", "--timeout=5")
    assert outcome.proof == "accepted 1, completed 1, lost 0, duplicated 0"
    assert re.search(r"Given up +1", outcome.out)


def test_a_silent_service_is_given_up_after_the_timeout(service: Service, load: Load) -> None:
    silence = threading.Event()
    service.faults += [lambda _: not silence.wait(RUN_SECONDS)]
    outcome = load("--num_requests=1", "--timeout=2", "--no-wait")
    silence.set()
    assert "timed out" in outcome.out
    assert outcome.status == 1


def test_a_restart_in_the_middle_loses_and_doubles_nothing(service: Service, load: Load) -> None:
    restarts = []

    def restart_once() -> None:
        with service.lock:
            if len(service.orders) < 100 or restarts:
                return
            restarts.append(threading.Thread(target=service.restart))
            restarts[0].start()

    service.after_create = restart_once
    outcome = load("--num_requests=400")
    restarts[0].join()
    assert outcome.proof == "accepted 400, completed 400, lost 0, duplicated 0"
    assert outcome.status == 0
    assert not re.search(r"Retries +0\b", outcome.out)
    assert "connection" in outcome.out.partition("Errors")[2]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_service_that_is_not_there_is_named(load: Load, service: Service, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://{host}:{taken.getsockname()[1]}"
    outcome = load("--num_requests=1", "--timeout=3", "--url", url)
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == f"nothing answers at {url} (connection refused): is it running?\n"


def test_what_kept_the_client_from_connecting_is_named_though_its_last_attempt_was_cut_short(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = itertools.count()

    async def refuse_once(_: client.Endpoint) -> None:
        if next(attempts) == 0:
            raise ConnectionRefusedError
        await asyncio.Event().wait()

    monkeypatch.setattr(client, "connect", refuse_once)
    assert "(connection refused)" in load("--num_requests=1", "--timeout=0.5").err


def test_what_failed_is_named_though_the_last_attempt_was_cut_short(
    service: Service, load: Load
) -> None:
    silence = threading.Event()
    attempts = itertools.count()

    def refuse_once(handler: Handler) -> bool:
        if next(attempts) == 0:
            return refuse(503, "down")(handler)
        return not silence.wait(RUN_SECONDS)

    service.page_fault = refuse_once
    outcome = load("--num_requests=1", "--timeout=3")
    silence.set()
    assert "(could not read the orders back: HTTP 503 down)" in outcome.proof
    assert "timed out (while waiting)" in outcome.out


def test_a_certificate_that_cannot_be_trusted_is_named_at_once(
    service: Service, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(self_signed(tmp_path / "certificate.pem"))
    service.server.socket = context.wrap_socket(service.server.socket, server_side=True)
    monkeypatch.setattr(client, "REACHABLE_SECONDS", RUN_SECONDS)
    url = service.url.replace("http", "https")
    outcome = load("--num_requests=1", "--url", url)
    assert re.fullmatch(f"cannot trust {url}: self.signed certificate\n", outcome.err)
    assert outcome.status == 1


def self_signed(path: Path) -> Path:
    """Writes a key and a certificate that nobody else has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=2))
        .not_valid_after(today + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, form, lock) + certificate.public_bytes(pem))
    return path


# --- pace ------------------------------------------------------------------------------------


def test_with_a_rate_latency_counts_from_the_due_time(
    service: Service, load: Load, tmp_path: Path
) -> None:
    service.delay_seconds = 0.02
    report = tmp_path / "report.json"
    # Due every 5 ms, answered every 20 ms: the last of 30 is answered some 450 ms late.
    load("--num_requests=30", "--concurrency=1", "--rate=200", "--json", str(report))
    latency = json.loads(report.read_text())["requests"]["latency"]
    assert latency["max"] - latency["min"] > 0.4


def test_a_rate_is_kept(service: Service, load: Load, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    load("--num_requests=50", "--rate=100", "--json", str(report), "--no-wait")
    assert 0.49 <= json.loads(report.read_text())["duration"] < RUN_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="the selector is used on Linux only")
def test_the_clock_of_a_rate_ticks_finer_than_a_millisecond() -> None:
    with client.PunctualSelector() as selector:

        def oversleep() -> float:
            began = time.monotonic()
            selector.select(0.0001)
            return time.monotonic() - began - 0.0001

        assert 0 <= min(oversleep() for _ in range(50)) < 0.0007


def test_a_duration_ends_the_placing(service: Service, load: Load) -> None:
    assert load("--duration=3").status == 0


@pytest.mark.parametrize(
    ("arguments", "due"),
    [
        (["--duration=0.5", "--rate=40"], 20),
        (["--duration=1.1", "--rate=10"], 11),
        (["--duration=0.2", "--rate=10", "--num-requests=1000"], 2),
        (["--duration=30", "--rate=1e308", "--num-requests=3"], 3),
        (["--duration=0.25", "--rate=100", "--batch-size=10"], 30),
    ],
)
def test_with_a_rate_the_duration_says_how_many_orders_are_due(
    service: Service, load: Load, tmp_path: Path, arguments: list[str], due: int
) -> None:
    report = tmp_path / "report.json"
    load(*arguments, "--no-wait", "--json", str(report))
    orders = json.loads(report.read_text())["orders"]
    assert orders["sent"] == orders["accepted"] == len(service.orders)
    assert orders["sent"] + orders["overdue"] == due  # overdue where the machine stands still


def test_a_duration_ends_the_placing_at_a_rate_that_the_service_cannot_take(
    service: Service, load: Load, tmp_path: Path
) -> None:
    service.delay_seconds = 0.1
    report = tmp_path / "report.json"
    outcome = load("--duration=1", "--rate=100", "--concurrency=1", "--json", str(report))
    orders = json.loads(report.read_text())["orders"]
    assert 90 <= orders["overdue"] == 100 - len(service.keys)
    assert re.search(rf"Overdue +{orders['overdue']}\n", outcome.out)


def test_the_number_ends_the_placing_if_it_is_reached_first(service: Service, load: Load) -> None:
    assert load("--duration=30", "--num-requests=3").proof.startswith("accepted 3,")


def test_no_more_connections_are_used_than_asked_for(service: Service, load: Load) -> None:
    service.delay_seconds = 0.01
    load("--num_requests=60", "--concurrency=3", "--no-wait")
    assert len(service.ports) == 3


# --- reports ---------------------------------------------------------------------------------


def test_the_report_has_what_people_look_for(service: Service, load: Load) -> None:
    service.faults += [refuse(503, "later"), refuse(400, "never")]
    out = load("--num_requests=30", "--threshold", "p95<30s").out
    assert re.search(r"Orders +29 accepted of 30 sent \(96\.67%\)", out)
    assert re.search(r"Requests/s +[\d,.]+", out)
    assert re.search(r"min +mean +p50 +p90 +p95 +p99 +max", out)
    assert re.search(r"Histogram\n +[\d.]+ m?s +\d+ +■", out)
    assert re.search(r"201 +29\n +400 +1\n +503 +1\n", out)
    assert re.search(r"1 +HTTP 503 later", out)
    assert re.search(r"waiting( +125 ms){7}", out)
    assert re.search(r"end to end( +250 ms){7}", out)
    assert re.search(r"✓ p95<30s  \([\d.]+ m?s\)", out)


def test_progress_is_plain_lines_when_nobody_looks(service: Service, load: Load) -> None:
    out = load("--num_requests=7").err
    assert re.search(r"^placing 100%  7 accepted  [\d,]+/s  0 errors$", out, re.MULTILINE)
    assert re.search(r"^waiting 100%  7 ended  [\d,]+/s  0 errors\n\Z", out, re.MULTILINE)


def test_what_ended_while_orders_were_placed_adds_nothing_to_the_rate_of_waiting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = client.LineDisplay()
    display.show(client.Progress("placing", 9000, "accepted", 9000, 9000, 0))
    display.show(client.Progress("waiting", 8000, "ended", 8000, 9000, 0))
    assert "waiting  89%  8,000 ended  0/s  0 errors" in capsys.readouterr().err


def test_the_json_report_holds_the_figures(service: Service, load: Load, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    load("--num_requests=20", "--batch-size=10", "--json", str(report), "--threshold", "rate>1")
    document = json.loads(report.read_text())
    assert document["options"]["num_requests"] == 20
    assert document["requests"]["statuses"] == {"201": 2}
    assert sum(bucket["requests"] for bucket in document["requests"]["histogram"]) == 2
    assert document["orders"]["accepted"] == document["proof"]["completed"] == 20
    assert document["orders"]["end_to_end"]["p95"] == 0.25
    assert document["thresholds"][0]["held"] is True
    assert document["exit_status"] == 0


class Page(HTMLParser):
    """Collects the elements of a page and every address in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


def test_the_html_report_needs_nothing_but_itself(
    service: Service, load: Load, tmp_path: Path
) -> None:
    service.faults += [refuse(400, "<script>alert(1)</script>")]
    report = tmp_path / "report.html"
    load("--num_requests=40", "--html", str(report))
    text = report.read_text()
    page = Page(text)
    assert page.elements.count("svg") == 3
    assert "script" not in page.elements
    assert "link" not in page.elements
    assert page.addresses == []
    assert "url(" not in text
    assert "accepted 39, completed 39, lost 0, duplicated 0" in text
    assert "nan" not in text.lower()


@pytest.mark.parametrize("sign", ["--json", "--html"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent/report", "No such file or directory"),
        ("", "Is a directory"),
        ("x" * 300, "File name too long"),
        ("/proc/report", ""),  # the reason depends on who asks
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_load(
    service: Service, load: Load, tmp_path: Path, sign: str, name: str, reason: str
) -> None:
    outcome = load("--num_requests=1", sign, str(tmp_path / name))
    assert outcome.status == 2
    assert f"error: argument {sign}: cannot write {tmp_path / name}: {reason}" in outcome.err
    assert service.keys == []


def test_two_reports_are_not_written_into_one_file(
    service: Service, load: Load, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to("report")
    reports = tmp_path / "report", tmp_path / "link"
    outcome = load("--num_requests=1", "--json", str(reports[0]), "--html", str(reports[1]))
    assert outcome.status == 2
    assert f"error: --json and --html are both to be written into {reports[1]}" in outcome.err
    assert service.keys == []


def test_a_report_that_finds_no_space_is_named_and_costs_no_other(
    service: Service, load: Load, tmp_path: Path
) -> None:
    page = tmp_path / "report.html"
    outcome = load("--num_requests=1", "--json", "/dev/full", "--html", str(page))
    assert "cannot write /dev/full: No space left on device\n" in outcome.err
    assert outcome.status == 1
    assert "completed 1" in outcome.out
    assert "completed 1" in page.read_text()


def test_an_answer_that_no_encoding_can_write_costs_no_report(
    service: Service, load: Load, tmp_path: Path
) -> None:
    service.faults += [refuse(400, "odd \ud800")]
    page = tmp_path / "report.html"
    outcome = load("--num_requests=1", "--html", str(page))
    assert "HTTP 400 odd ?" in outcome.out
    assert "HTTP 400 odd ?" in page.read_text()


def test_to_ask_whether_a_report_can_be_written_changes_no_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("the last report")
    (tmp_path / "link").symlink_to("new")
    os.mkfifo(tmp_path / "pipe")  # nobody reads it yet: to open it would block
    for name in ("old", "link", "new", "pipe"):
        assert client.writable(str(tmp_path / name)) == tmp_path / name
    assert {path.name for path in tmp_path.iterdir()} == {"old", "link", "pipe"}
    assert (tmp_path / "old").read_text() == "the last report"


def test_files_are_written_before_stdout(
    service: Service, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.json"
    there_before: list[bool] = []
    monkeypatch.setattr(client, "print_report", lambda _: there_before.append(report.exists()))
    load("--num_requests=1", "--json", str(report))
    assert there_before == [True]


@pytest.mark.parametrize(
    "redirection",
    [">/dev/full", ">&-", "| true", "2>/dev/full", "2>&-", ">&- 2>&-", "2>&1 | true"],
)
@pytest.mark.parametrize(("threshold", "status"), [("p50<30s", 0), ("p50<0.001ms", 1)])
def test_an_output_that_cannot_be_written_to_costs_no_report_and_no_status(
    service: Service, tmp_path: Path, redirection: str, threshold: str, status: int
) -> None:
    report, page = tmp_path / "report.json", tmp_path / "report.html"
    command = [sys.executable, CLIENT, "--num_requests=5", "--url", service.url,
               "--threshold", threshold, "--json", report, "--html", page]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {redirection}', "bash", *command],
        env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == status
    if redirection in ("2>/dev/full", "2>&-"):
        assert "completed 5" in done.stdout
    elif "2>" not in redirection:
        assert re.fullmatch(r"((placing|waiting) .*\n)+", done.stderr)  # the progress, no more
    assert json.loads(report.read_text())["exit_status"] == status
    assert "completed 5" in page.read_text()


# --- thresholds ------------------------------------------------------------------------------


def test_a_missed_threshold_fails_the_run(service: Service, load: Load) -> None:
    outcome = load("--num_requests=5", "--threshold", "p50<1h", "max<1ms")
    assert outcome.status == 2
    outcome = load("--num_requests=5", "--threshold", "p50<30s", "--threshold", "max<0.001ms")
    assert outcome.status == 1
    assert "✓ p50<30s" in outcome.out
    assert "✗ max<0.001ms" in outcome.out
    assert outcome.proof == "accepted 5, completed 5, lost 0, duplicated 0"


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("p50<=2ms", True),
        ("p50<2ms", False),
        ("p90 > 1 ms", True),
        ("min==1ms", True),
        ("mean<0.5s", True),
        ("p95<200ms", False),
        ("p99>=1s", True),
        ("rate>=3/s", True),
        ("rate>3", False),
        ("errors<=25%", True),
        ("errors<25%", False),
        ("errors==1", True),
    ],
)
def test_a_threshold_holds_or_not(text: str, held: bool) -> None:
    run = client.Run(client.parse_options(["--num_requests=4", "--no-wait", "--threshold", text]))
    run.sent, run.refused, run.placed_seconds = 4, 1, 1.0
    for number, seconds in enumerate((0.001, 0.002, 1.0)):
        run.promised[str(number)] = client.Promise(number, number)
        run.samples.append(client.Sample(seconds, seconds, 1))
    (verdict,) = client.conclude(run).verdicts
    assert verdict.held is held


def test_help_tells_what_the_errors_of_a_threshold_are(load: Load) -> None:
    assert "rate, errors (orders not accepted)" in " ".join(load("--help").out.split())


def test_no_threshold_on_latency_holds_when_nothing_was_measured() -> None:
    options = client.parse_options(["--num_requests=1", "--threshold", "p95<200ms", "p95>0ms"])
    verdicts = client.conclude(client.Run(options)).verdicts
    assert [verdict.held for verdict in verdicts] == [False, False]


# --- the command -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--num_requests=0"],
        ["--num_requests=ten"],
        ["--num_requests=1", "--concurrency=0"],
        ["--num_requests=1", "--rate=0"],
        ["--num_requests=1", "--rate=inf"],
        ["--duration=nan"],
        ["--num_requests=1", "--batch-size=1001"],
        ["--num_requests=1", "--url=ftp://host"],
        ["--num_requests=1", "--url=http://host:port"],
        ["--num_requests=1", "--url=http://host:0"],
        ["--num_requests=1", "--url=http://host:8300?to=nowhere"],
        ["--num_requests=1", "--url=http://host:8300/#top"],
        ["--num_requests=1", "--url=http://a..b:8300"],
        ["--num_requests=1", f"--url=http://{'x' * 64}.example"],
        ["--num_requests=1", "--api-key=a\r\nX: y"],
        ["--num_requests=1", "--threshold", "p42<1ms"],
        ["--num_requests=1", "--threshold", "p95<200"],
        ["--num_requests=1", "--threshold", "rate>5ms"],
        ["--num_requests=1", "--threshold", "p95=200ms"],
    ],
)
def test_bad_usage_is_refused_with_status_2(arguments: list[str], load: Load) -> None:
    outcome = load(*arguments)
    assert outcome.status == 2
    assert "client.py: error: " in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("host", ["localhost.", f"{'x' * 63}.example", "[::1]"])
def test_every_host_that_can_be_looked_up_is_taken(host: str) -> None:
    options = client.parse_options(["--num_requests=1", f"--url=http://{host}:8300"])
    assert options.endpoint.host == host.strip("[]")


def test_the_key_is_sent_with_every_request(service: Service, load: Load) -> None:
    load("--num_requests=2", "--api-key=s3cret")
    assert {headers["authorization"] for *_, headers in service.creates} == {"Bearer s3cret"}


def test_the_key_is_in_no_report(service: Service, load: Load, tmp_path: Path) -> None:
    paths = tmp_path / "report.json", tmp_path / "report.html"
    outcome = load("--num_requests=2", "--api-key=s3cret",
                   "--json", str(paths[0]), "--html", str(paths[1]))  # fmt: skip
    for text in (outcome.out, outcome.err, *(path.read_text() for path in paths)):
        assert "s3cret" not in text


def test_it_runs_on_plain_python(service: Service) -> None:
    command = [sys.executable, "-I", "-S", str(CLIENT), "--num_requests=5", "--url", service.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    assert "accepted 5, completed 5, lost 0, duplicated 0" in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize("phase", ["placing", "waiting"])
def test_ctrl_c_ends_with_the_report_so_far(service: Service, phase: str) -> None:
    service.delay_seconds = 0.01 if phase == "placing" else 0.0
    service.status = "PENDING"
    reached = threading.Event()

    def look() -> None:
        if phase == "placing" and len(service.orders) >= 20:
            reached.set()

    service.after_create = look
    number = "100000" if phase == "placing" else "20"
    command = [sys.executable, str(CLIENT), "--num_requests", number, "--url", service.url]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        if phase == "placing":
            assert reached.wait(RUN_SECONDS)
        else:
            wait_until(lambda: "/metrics" in service.reads)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 130
    assert re.search(r"accepted \d+, not followed to their end \(interrupted", out)
    assert "Traceback" not in err


def test_ctrl_c_while_orders_are_read_back_shows_no_figures_of_those_read_so_far(
    service: Service, load: Load, tmp_path: Path
) -> None:
    def interrupt_at_the_second_page(handler: Handler) -> bool:
        if handler.path.endswith("cursor=200"):
            os.kill(os.getpid(), signal.SIGINT)
        return False

    service.page_fault = interrupt_at_the_second_page
    report = tmp_path / "report.json"
    outcome = load("--num_requests=1000", "--batch-size=100", "--json", str(report))
    orders = json.loads(report.read_text())["orders"]
    assert [orders[name] for name in ("waiting", "end_to_end", "completed_rate")] == [None] * 3
    assert "end to end" not in outcome.out
    assert outcome.status == 130


def test_nothing_is_proven_after_ctrl_c() -> None:
    run = client.Run(client.parse_options(["--num_requests=2", "--no-wait"]))
    run.sent, run.promised, run.interrupted = 1, {"order-1": client.Promise(1, 1)}, True
    text = client.render_text(client.conclude(run), client.paint_nothing)
    assert "✗ accepted 1, not followed to their end (interrupted)" in text


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RUN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_terminal_gets_a_progress_bar_and_colours(service: Service) -> None:
    pytest.importorskip("rich")
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    command = [sys.executable, str(CLIENT), "--num_requests=50", "--url", service.url]
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, env=environment | {"TERM": "xterm-256color"}
    ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: read_terminal(ours), b"")).decode()
    os.close(ours)
    assert process.returncode == 0
    assert "━" in shown
    assert "50 ended" in shown
    assert "\033[32m✓" in shown


def read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that the other side is gone
        return b""


# --- reading answers -------------------------------------------------------------------------

ANSWERS = {
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}": (200, b"{}", True),
    b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:2\r\nConnection: Close\r\n\r\n{}": (200, b"{}", False),
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}": (200, b"{}", False),
    b"HTTP/1.1 204 No Content\r\n\r\n": (204, b"", True),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 0\r\n\r\n": (201, b"", True),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\nA;x\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n": (200, b"abc0123456789", True),
}


def read(received: bytes) -> client.Answer:
    """Returns the answer at the beginning of what was received before the connection ended."""

    async def read_once() -> client.Answer:
        reader = asyncio.StreamReader()
        reader.feed_data(received)
        reader.feed_eof()
        return await client.read_answer(reader)

    return asyncio.run(read_once())


@pytest.mark.parametrize("received", ANSWERS)
def test_an_answer_is_taken_only_if_it_is_whole(received: bytes) -> None:
    status, body, keeps_alive = ANSWERS[received]
    for end in range(len(received)):
        with pytest.raises(EOFError):
            read(received[:end])
    answer = read(received)
    assert (answer.status, answer.body, answer.keeps_alive) == (status, body, keeps_alive)


def test_an_answer_may_be_announced_any_number_of_times() -> None:
    answer = read(b"HTTP/1.1 100 Continue\r\n\r\n" * 2000 + b"HTTP/1.1 204 No Content\r\n\r\n")
    assert answer.status == 204


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    answer = read(b"HTTP/1.1 200 OK\r\n\r\n{}")
    assert (answer.body, answer.keeps_alive) == (b"{}", False)


@pytest.mark.parametrize(
    "received",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"x" * 70000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(received: bytes) -> None:
    with pytest.raises(client.MalformedAnswerError):
        read(received)


# --- figures ---------------------------------------------------------------------------------


def test_percentiles_are_nearest_rank() -> None:
    spread = client.Spread.of(range(100, 0, -1))
    assert spread == client.Spread(min=1, mean=50.5, p50=50, p90=90, p95=95, p99=99, max=100)
    assert client.Spread.of([3.0]) == client.Spread(3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0)
    assert client.Spread.of([]) is None


@pytest.mark.parametrize(
    "seconds", [[0.5], [0.5] * 10, [0.1, 0.2], [n * n / 1e6 for n in range(1, 300)]]
)
def test_a_histogram_counts_every_value_once(seconds: list[float]) -> None:
    buckets = client.histogram(seconds)
    assert sum(bucket.requests for bucket in buckets) == len(seconds)
    assert all(low.up_to < high.up_to for low, high in itertools.pairwise(buckets))
    assert buckets[-1].up_to == max(seconds)


@pytest.mark.parametrize(
    ("most", "labels"),
    [
        (1, ["0", "1"]),
        (2, ["0", "1", "2"]),
        (5, ["0", "2", "4", "6"]),
        (4000, ["0", "1,000", "2,000", "3,000", "4,000"]),
    ],
)
def test_the_axis_of_a_histogram_counts_whole_requests(most: int, labels: list[str]) -> None:
    chart = client.bar_chart("Latency histogram", [client.Bucket(0.5, most)])
    assert y_labels(chart) == labels


def test_the_axis_of_a_slow_run_shows_fractions_of_an_order_a_second() -> None:
    run = client.Run(client.parse_options(["--num_requests=3", "--no-wait"]))
    run.samples += [client.Sample(at_seconds, 0.1, 1) for at_seconds in (1.0, 2.0, 2.5)]
    *_, rates = client.html_charts(client.conclude(run))
    assert y_labels(rates) == ["0", "0.5", "1", "1.5"]


def test_latency_is_shown_over_the_time_of_the_requests_however_long_the_orders_take() -> None:
    run = client.Run(client.parse_options(["--num_requests=30"]))
    run.samples += [client.Sample(0.1 * n, 0.01, 1) for n in range(1, 31)]
    result = client.conclude(run)
    waited = client.moments(run.samples, completed=[60.0])
    latency, _histogram, rates = client.html_charts(dataclasses.replace(result, moments=waited))
    assert x_labels(latency)[-1] == "3 s"
    assert x_labels(rates)[-1] == "60 s"


def test_a_line_shows_its_lone_points_too() -> None:
    points = [(1.0, 2.0), None, (3.0, 4.0), (5.0, 6.0), None, (7.0, 8.0)]
    assert client.svg_path(points) == "M1.0 2.0h4M3.0 4.0L5.0 6.0M7.0 8.0h4"
    assert client.svg_path(points[-1:]) == "M7.0 8.0h4"


def x_labels(chart: str) -> list[str]:
    return re.findall("<text class=x [^>]*>([^<]*)<", chart)


def y_labels(chart: str) -> list[str]:
    return re.findall("<text class=y [^>]*>([^<]*)<", chart)


@pytest.mark.parametrize("requests", [1, 9, 25, 5000])
def test_the_steps_of_a_run_hold_every_order_once(requests: int) -> None:
    samples = [client.Sample(0.01 * n, 0.001 * n, orders=3) for n in range(1, requests + 1)]
    completed = [0.02 * n for n in range(1, requests + 1)]  # takes twice as long as accepting
    steps = client.moments(samples, completed)
    assert len(steps) <= 60
    length = 0.02 * requests / len(steps)
    assert steps[-1].at_seconds == pytest.approx(0.02 * requests - length / 2)
    accepted = sum(step.accepted_rate * length for step in steps)
    assert accepted == pytest.approx(3 * requests)
    assert sum(step.completed_rate * length for step in steps) == pytest.approx(requests)
    assert [step.latency is None for step in steps] == [step.accepted_rate == 0 for step in steps]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0004, "0.40 ms"),
        (0.00999, "9.99 ms"),
        (0.009996, "10.0 ms"),
        (0.1, "100 ms"),
        (0.9996, "1.00 s"),
        (1234.5, "1,234 s"),
    ],
)
def test_durations_are_shown_with_three_digits(seconds: float, shown: str) -> None:
    assert client.show_seconds(seconds) == shown
