#!/usr/bin/env python3
"""Loads the order service, then proves that it lost nothing and did nothing twice.

    python client.py --num_requests=1000

places orders over keep-alive connections, reports rates and latencies, waits until the service
has worked the orders off, and reads every one of them back. Each request carries an idempotency
key and is repeated under it when the connection breaks or the service asks for patience, so a
restart in the middle must neither lose an order nor make two of it.

Exit status: 0 if every order was accepted and completed and every threshold held, 1 if not,
2 for bad usage, 130 after Ctrl-C. Needs Python 3.11 or newer and nothing else; with `rich`
installed it draws a progress bar on a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import gc
import itertools
import json
import math
import operator
import os
import random
import re
import secrets
import select
import selectors
import ssl
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, TextIO
from urllib.parse import quote, urlsplit

ORDERS_PER_BULK = 1000  # the service takes no more in one request
ORDERS_PER_PAGE = 200  # the same
ATTEMPT_SECONDS = 20.0  # longer than the service's own deadline, so that its answer comes first
REACHABLE_SECONDS = 5.0  # nobody listening for so long at the start is a mistake, not a restart
BACKOFF_SECONDS = (0.05, 2.0)  # first and longest pause before a request is repeated
POLL_SECONDS = (0.05, 1.0)  # first and longest pause between two looks at unfinished orders


# --- the run ---------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    run = Run(parse_options(arguments))
    try:
        with asyncio.Runner(loop_factory=punctual_loop) as runner:
            runner.run(drive(run))
    except UnreachableError as error:
        say(sys.stderr, str(error))
        return 1
    except KeyboardInterrupt:
        run.interrupted = True
    result = conclude(run)
    unwritten = write_files(result)  # first: stdout may fail, or block
    print_report(result)
    return unwritten or result.exit_status


async def drive(run: Run) -> None:
    """Places the orders and follows them to their end; `run` is complete up to any interruption."""
    await reach(run.options.endpoint, min(REACHABLE_SECONDS, run.options.timeout_seconds))
    display = open_display()
    try:
        async with asyncio.TaskGroup() as group:
            ticker = group.create_task(tick(run, display))
            await place_orders(run)
            display.show(run.progress())
            if run.options.wait:
                await follow(run)
            ticker.cancel()
    finally:
        display.show(run.progress())
        display.close()


async def reach(endpoint: Endpoint, patience_seconds: float) -> None:
    """Returns once something listens; raises UnreachableError when nothing does in time."""
    reason = TIMED_OUT
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_seconds):
            while True:
                try:
                    _, writer = await connect(endpoint)
                except ssl.SSLCertVerificationError as error:
                    message = f"cannot trust {endpoint.url}: {error.verify_message}"
                    raise UnreachableError(message) from None
                except OSError as error:
                    reason = kind_of(error)
                else:
                    writer.transport.abort()
                    return
                await asyncio.sleep(BACKOFF_SECONDS[0])
    raise UnreachableError(f"nothing answers at {endpoint.url} ({reason}): is it running?")


async def tick(run: Run, display: Display) -> None:
    """Shows the progress until it is cancelled."""
    while True:
        await asyncio.sleep(display.interval_seconds)
        display.show(run.progress())


class UnreachableError(Exception):
    """Nothing listens where the service should be, or something that cannot be trusted."""


@dataclass
class Tally:
    """What came back from the service, attempt by attempt."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0


class Sample(NamedTuple):
    """A request that was accepted."""

    at_seconds: float  # when its answer came, since the start
    latency_seconds: float
    orders: int


class Promise(NamedTuple):
    """What a 201 said: the order placed as the run's `number`-th has this id."""

    number: int
    id: int | None


@dataclass
class Run:
    """What one run has seen so far; whoever interrupts it finds here what there is to report."""

    options: Options
    run_id: str = field(default_factory=lambda: secrets.token_hex(8))
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(default_factory=time.monotonic)
    interrupted: bool = False

    sent: int = 0  # orders, as the next four
    refused: int = 0  # the answer was a final no
    given_up: int = 0  # no final answer in time
    clashes: int = 0  # the answer named an order which another key had been promised
    ended: int = 0  # seen at an end while waiting
    waiting: bool = False
    placed_seconds: float | None = None  # how long placing took; None while it goes on
    placing: Tally = field(default_factory=Tally)
    reading: Tally = field(default_factory=Tally)
    samples: list[Sample] = field(default_factory=list)

    promised: dict[str, Promise] = field(default_factory=dict)  # by order_id
    rows: dict[str, OrderRow] = field(default_factory=dict)  # of promised orders, as last seen
    proof: Proof | None = None
    unproven: str = ""  # why the orders could not be read back

    @property
    def user_id(self) -> str:
        """The run's own user, so that this user's orders are the run's orders."""
        return f"load-{self.run_id}"

    @property
    def accepted(self) -> int:
        """Orders answered with a 201."""
        return len(self.promised) + self.clashes

    @property
    def overdue(self) -> int:
        """Orders that the rate had due before the time was over, and that were never sent."""
        if self.options.rate is None or self.interrupted:
            return 0
        return int(self.options.orders_due) - self.sent

    @property
    def elapsed_seconds(self) -> float:
        """How long orders have been, or were, placed."""
        return now() - self.started if self.placed_seconds is None else self.placed_seconds

    def progress(self) -> Progress:
        """Returns what the display shows now."""
        errors = self.placing.errors.total() + self.reading.errors.total()
        if self.waiting:
            return Progress("waiting", self.ended, "ended", self.ended, self.accepted, errors)
        done, total = self.elapsed_seconds, self.options.duration_seconds or 0.0
        if self.options.num_requests is not None:
            done, total = self.accepted + self.refused + self.given_up, self.options.num_requests
        return Progress("placing", self.accepted, "accepted", done, total, errors)


# --- command line ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """The command line, checked."""

    endpoint: Endpoint
    num_requests: int | None  # orders; None: until the duration is over
    duration_seconds: float | None  # None: until the number is reached
    concurrency: int
    rate: float | None  # orders a second; None: as fast as answers come
    batch_size: int | None  # orders a bulk request; None: one by one
    wait: bool
    timeout_seconds: float
    json_path: Path | None
    html_path: Path | None
    thresholds: list[Threshold]

    @property
    def orders_due(self) -> float:
        """How many orders are to be placed; inf: as many as are answered within the duration."""
        number = self.num_requests or math.inf
        if self.rate is None or self.duration_seconds is None:
            return number
        size = self.batch_size or 1
        # Not one more because 1.1 s at 10/s make 11.000000000000002, and no more than ceil() takes.
        requests = math.ceil(min(self.rate * self.duration_seconds / size, 1e18) * (1 - 1e-9))
        return min(number, requests * size)


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Reads the command line; leaves with status 2 and a sentence when it makes no sense."""
    parser = argument_parser()
    given = vars(parser.parse_args(arguments))
    try:
        options = Options(endpoint=Endpoint.parse(given.pop("url"), given.pop("api_key")), **given)
    except ValueError as error:
        parser.error(str(error))
    if options.num_requests is None and options.duration_seconds is None:
        parser.error("say when to stop: --num_requests, --duration or both")
    reports = [path.resolve() for path in (options.json_path, options.html_path) if path]
    if len(set(reports)) < len(reports):
        parser.error(f"--json and --html are both to be written into {options.html_path}")
    return options


def argument_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line; what it stores bears the names of Options."""
    parser = argparse.ArgumentParser(
        prog="client.py",
        description="Places orders, reports rates and latencies, waits until they are worked off, "
        "and proves that none was lost and none was done twice.",
        epilog="Example: client.py --duration 30 --rate 200 --threshold 'p95<200ms' 'errors==0'",
    )
    add = parser.add_argument
    add("--num_requests", "--num-requests", type=positive_int, metavar="N", help="orders to place")
    add("--duration", dest="duration_seconds", type=positive, metavar="S",
        help="stop placing after so many seconds")  # fmt: skip
    add("--url", default="http://127.0.0.1:8000", help="the service (default: %(default)s)")
    add("--concurrency", type=positive_int, default=32, metavar="C",
        help="connections (default: %(default)s)")  # fmt: skip
    add("--rate", type=positive, metavar="R",
        help="orders a second, due at fixed times whether or not answers come (open loop); "
        "latency counts from the due time")  # fmt: skip
    add("--batch-size", type=bulk_size, metavar="B",
        help=f"place B orders (at most {ORDERS_PER_BULK}) in each request, "
        "through POST /orders/bulk")  # fmt: skip
    add("--wait", action=argparse.BooleanOptionalAction, default=True,
        help="wait until the orders are worked off and read them back (default: wait)")  # fmt: skip
    add("--timeout", dest="timeout_seconds", type=positive, default=60.0, metavar="S",
        help="seconds until a request is given up, and without progress until waiting is "
        "(default: %(default)g)")  # fmt: skip
    add("--api-key", metavar="K", help="sent as 'Authorization: Bearer K'")
    add("--json", dest="json_path", type=writable, metavar="FILE", help="write the report as JSON")
    add("--html", dest="html_path", type=writable, metavar="FILE",
        help="write the report as one HTML page with charts")  # fmt: skip
    add("--threshold", dest="thresholds", type=threshold, nargs="+", action="extend", default=[],
        metavar="T", help="fail unless it holds, for example 'p95<200ms' 'rate>=500' 'errors<1%%'; "
        "of " + ", ".join(THRESHOLD_UNITS) + " (orders not accepted)")  # fmt: skip
    return parser


def positive_int(text: str) -> int:
    """Reads a whole number from 1 up."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def bulk_size(text: str) -> int:
    """Reads how many orders go into a request."""
    if (size := positive_int(text)) > ORDERS_PER_BULK:
        raise argparse.ArgumentTypeError(f"{size} is above {ORDERS_PER_BULK}")
    return size


def positive(text: str) -> float:
    """Reads a finite number above 0."""
    with suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


def writable(text: str) -> Path:
    """Reads a path that a file can have: to find out after the load would be late."""
    path = Path(text)
    try:
        if not path.is_fifo():  # its reader would take our closing it for the end of the report
            try_to_open(path)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write {text}: {error.strerror}") from None
    return path


def try_to_open(path: Path) -> None:
    """Opens a file for writing, and leaves all as it was; raises OSError."""
    there = path.exists()
    with path.open("ab"):  # rights are no answer: root has all of them, even on /proc
        pass
    if not there:
        path.resolve().unlink()  # resolved: a link to nowhere is not ours to remove


# --- placing orders --------------------------------------------------------------------------


async def place_orders(run: Run) -> None:
    """Sends what is to be sent, over as many connections as asked for."""
    connections = min(run.options.concurrency, run.options.num_requests or math.inf)
    run.started, run.started_at = now(), datetime.now(UTC)
    due = arrivals(run.options, run.started)
    gc.disable()  # else collections show as latency: 27 ms instead of 11 at most, measured
    requests = RequestWriter(run)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(int(connections)):
                group.create_task(place_from(due, run, requests))
    finally:
        gc.enable()
        run.placed_seconds = now() - run.started


class Arrival(NamedTuple):
    """One request to send: the orders `first`, `first + 1` and so on."""

    first: int
    orders: int
    due: float | None  # None: as soon as a connection is free


def arrivals(options: Options, started: float) -> Iterator[Arrival]:
    """Yields the requests in order, until the number is reached or the time is over."""
    size, last = options.batch_size or 1, options.orders_due
    end = started + (options.duration_seconds or math.inf)
    first = 1
    while first <= last and now() < end:
        due = None if options.rate is None else started + (first - 1) / options.rate
        orders = int(min(size, last - first + 1))
        yield Arrival(first, orders, due)
        first += orders


async def place_from(due: Iterator[Arrival], run: Run, requests: RequestWriter) -> None:
    """Is one connection: takes the next request off `due`, sends it, again until none is left."""
    caller = Caller(run.options.endpoint, run.placing)
    try:
        for arrival in due:
            await place(arrival, run, caller, requests)
    finally:
        caller.close()


async def place(arrival: Arrival, run: Run, caller: Caller, requests: RequestWriter) -> None:
    """Sends one request and notes how it went."""
    if arrival.due is not None and (early := arrival.due - now()) > 0:
        await asyncio.sleep(early)
    run.sent += arrival.orders
    if run.options.batch_size is None:
        request = requests.order(arrival.first)
    else:
        request = requests.bulk(arrival.first, arrival.orders)
    began = now()
    try:
        answer = await caller.call(request, give_up_at=began + run.options.timeout_seconds)
    except GaveUpError:
        run.given_up += arrival.orders
        return
    answered = now()
    accepted = note_promises(arrival, answer, run)
    if accepted:
        # From the due time: a late start is latency the service caused, not a pause of ours.
        latency_seconds = answered - (began if arrival.due is None else arrival.due)
        run.samples.append(Sample(answered - run.started, latency_seconds, accepted))


def note_promises(arrival: Arrival, answer: Answer, run: Run) -> int:
    """Remembers the orders that `answer` promises; returns how many."""
    accepted = 0
    if answer.status in (200, 201):
        document = answer.document()
        results = [document] if run.options.batch_size is None else document.get("results")
        results = results[: arrival.orders] if isinstance(results, list) else []
        for number, result in enumerate(results, arrival.first):
            if not is_promise(result):
                continue
            accepted += 1
            if result["order_id"] in run.promised:
                run.clashes += 1
            else:
                run.promised[result["order_id"]] = Promise(number, read_number(result.get("id")))
    if accepted < arrival.orders:
        run.refused += arrival.orders - accepted
        run.placing.errors[answer.kind] += 1
    return accepted


def is_promise(result: Any) -> bool:
    """Tells whether an answer, or a result in bulk, names an order that was accepted."""
    if not isinstance(result, dict):
        return False
    status = result.get("status")  # of a result in bulk a number, of an order a word
    accepted = status in (200, 201) or not isinstance(status, int)
    return accepted and isinstance(result.get("order_id"), str)


# --- waiting, and the proof ------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """What the orders, read back, say about the promises made."""

    accepted: int
    completed: int
    failed: int
    cancelled: int
    unfinished: int
    lost: int  # promised, and not there
    duplicated: int  # there, beyond the one order of each promise
    unacknowledged: int  # there, though the request never got its answer
    examples: dict[str, str]  # order_id and why, a few of those that did not complete


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as the service shows it."""

    order_id: str
    id: int | None
    number: int | None  # which of the run's orders it is, as its first item says
    status: str
    error: str | None
    waiting_seconds: float | None
    end_to_end_seconds: float | None
    created_at: float | None  # seconds since 1970, by the service's clock
    completed_at: float | None

    @classmethod
    def parse(cls, document: Any) -> OrderRow:
        """Reads an order document, raises UnreadableError if it is none; what it lacks is None."""
        if not isinstance(document, dict) or not isinstance(document.get("order_id"), str):
            raise UnreadableError(f"this is no order: {str(document)[:60]}")
        items = document.get("item_ids")
        return cls(
            order_id=document["order_id"],
            id=read_number(document.get("id")),
            number=read_number(items[0]) if isinstance(items, list) and items else None,
            status=str(document.get("status")),
            error=document.get("error"),
            waiting_seconds=read_number(document.get("pending_duration")),
            end_to_end_seconds=read_number(document.get("total_duration")),
            created_at=read_time(document.get("created_at")),
            completed_at=read_time(document.get("completed_at")),
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ("COMPLETED", "FAILED", "CANCELLED")


def read_number(value: Any) -> Any:
    """Reads a number that one can calculate with; None if it is none."""
    return value if isinstance(value, int | float) and abs(value) < 1e300 else None


def read_time(value: Any) -> float | None:
    """Reads an ISO 8601 time; None if it is none."""
    with suppress(TypeError, ValueError, OverflowError):
        return datetime.fromisoformat(value).timestamp()
    return None


async def follow(run: Run) -> None:
    """Waits until the promised orders are at an end, then settles the proof."""
    run.waiting = True
    read_back = ReadBack(run)
    try:
        await read_back.wait()
    except* (GaveUpError, UnreadableError) as group:
        run.unproven = f"could not read the orders back: {group.exceptions[0]}"
    else:
        run.proof = read_back.prove()
    finally:
        read_back.close()


class UnreadableError(Exception):
    """The service answered a read with something that is no answer to it."""


class ReadBack:
    """Reads the run's orders from the service and holds them against what was promised."""

    def __init__(self, run: Run) -> None:
        """Connects only when it reads."""
        self._run = run
        self._extra: dict[tuple[str, int | None], OrderRow] = {}  # of this user, never promised
        self._requests = RequestWriter(run)
        self._callers = [
            Caller(run.options.endpoint, run.reading) for _ in range(run.options.concurrency)
        ]

    def close(self) -> None:
        """Closes the connections."""
        for caller in self._callers:
            caller.close()

    async def wait(self) -> None:
        """Returns when every order is at its end, or when nothing has moved for the timeout.

        Whosever order ends, that is movement, until as many have ended as are unfinished now; from
        then on only ours are. Either way, every order has been read when it returns.
        """
        backlog = await self._read_backlog()
        worked_off = backlog.ended + backlog.unfinished
        if await self._watch(partial(self._look_at_backlog, worked_off)):
            await self._watch(self._look_at_orders)
        else:
            await self._read_everything()

    def prove(self) -> Proof:
        """Compares what was read with what was promised."""
        run = self._run
        answered = {promise.number for promise in run.promised.values()}
        # Each of these requests is good for one order, an answered one for none but the promised.
        unanswered = {row.number for row in self._extra.values()} - answered
        states = Counter(row.status if row.ended else "UNFINISHED" for row in run.rows.values())
        reasons = itertools.chain(
            ((order_id, "lost") for order_id in run.promised if order_id not in run.rows),
            ((row.order_id, row.error or row.status) for row in run.rows.values()
             if row.status != "COMPLETED"),
        )  # fmt: skip
        return Proof(
            accepted=run.accepted,
            completed=states["COMPLETED"],
            failed=states["FAILED"],
            cancelled=states["CANCELLED"],
            unfinished=states["UNFINISHED"],
            lost=len(run.promised) - len(run.rows),
            duplicated=len(self._extra) - len(unanswered) + run.clashes,
            unacknowledged=len(unanswered),
            examples=dict(itertools.islice(reasons, 5)),
        )

    async def _watch(self, look: Callable[[], Awaitable[tuple[int, bool]]]) -> bool:
        """Looks until all have ended, or for the timeout none has; returns whether it is all.

        A look says how many have ended so far, and whether that is all.
        """
        most, since, pause = -1, now(), POLL_SECONDS[0]
        while True:
            began = now()
            ended, is_all = await look()
            if ended > most:
                most, since = ended, now()
            if is_all or now() - since >= self._run.options.timeout_seconds:
                return is_all
            await asyncio.sleep(max(pause, now() - began))  # reads at most half of the time
            pause = min(POLL_SECONDS[1], pause * 1.5)

    async def _look_at_backlog(self, worked_off: int) -> tuple[int, bool]:
        """Tells cheaply that there is no use yet in reading all: our newest order is unfinished."""
        run = self._run
        backlog = await self._read_backlog()
        if backlog.unfinished == 0 or backlog.ended >= worked_off or not run.promised:
            return backlog.ended, True
        newest = next(reversed(run.promised))
        await self._read_each([newest])
        run.ended = max(0, run.accepted - backlog.unfinished)
        return backlog.ended, newest not in run.rows or run.rows[newest].ended

    async def _look_at_orders(self) -> tuple[int, bool]:
        """Reads all of our orders; one that is lost will not end."""
        await self._read_everything()
        return self._run.ended, self._run.ended == len(self._run.rows)

    async def _read_backlog(self) -> Backlog:
        """Returns the service's backlog; an empty one where /metrics does not tell."""
        answer = await self._callers[0].call(self._requests.get("/metrics"), self._give_up_at())
        figures = answer.document()

        def total(*names: str) -> int:
            return sum(read_number(figures.get(name)) or 0 for name in names)

        return Backlog(
            unfinished=total("pending_count", "processing_count"),
            ended=total("processed_count", "failed_count", "cancelled_count"),
        )

    async def _read_everything(self) -> None:
        """Reads all orders: in pages, then by name what no page has shown before it is lost."""
        run = self._run
        run.rows.clear()
        self._extra.clear()
        await self._read_pages()
        await self._read_each([order_id for order_id in run.promised if order_id not in run.rows])
        run.ended = sum(row.ended for row in run.rows.values())

    async def _read_pages(self) -> None:
        """Reads all orders of the run's user, page by page."""
        target = f"/orders?user_id={self._run.user_id}&limit={ORDERS_PER_PAGE}"
        cursor, seen = "", set[str]()
        while cursor not in seen:
            seen.add(cursor)
            request = self._requests.get(target + cursor)
            answer = await self._callers[0].call(request, self._give_up_at())
            page = answer.document()
            if not isinstance(documents := page.get("data"), list):
                raise UnreadableError(f"GET /orders: {answer.kind}")
            for document in documents:
                self._note(document)
            if not page.get("has_more"):
                return
            cursor = f"&cursor={quoted(str(page.get('next_cursor')))}"
        raise UnreadableError("GET /orders: its pages go round in circles")

    async def _read_each(self, order_ids: list[str]) -> None:
        """Reads these orders one by one, over all connections."""
        waiting = iter(order_ids)
        async with asyncio.TaskGroup() as group:
            for caller in self._callers[: len(order_ids)]:
                group.create_task(self._read_from(waiting, caller))

    async def _read_from(self, order_ids: Iterator[str], caller: Caller) -> None:
        for order_id in order_ids:
            request = self._requests.get(f"/orders/{quoted(order_id)}")
            answer = await caller.call(request, self._give_up_at())
            if answer.status == 200:
                self._note(answer.document())
            elif answer.status != 404:  # of a lost order
                raise UnreadableError(f"GET /orders/{order_id}: {answer.kind}")

    def _note(self, document: Any) -> None:
        """Files an order under its promise, or among those that nobody was promised."""
        row = OrderRow.parse(document)
        promise = self._run.promised.get(row.order_id)
        if promise is not None and promise.id in (None, row.id):
            self._run.rows[row.order_id] = row
        else:
            self._extra[row.order_id, row.id] = row

    def _give_up_at(self) -> float:
        return now() + self._run.options.timeout_seconds


def quoted(text: str) -> str:
    """Returns text as a part of a URL, even half a surrogate pair."""
    return quote(text, safe="", errors="replace")


class Backlog(NamedTuple):
    """How far the service is, with all its orders."""

    unfinished: int
    ended: int


# --- http ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Endpoint:
    """Where the service is, and how one shows that one may use it."""

    url: str
    host: str
    port: int
    tls: bool
    base_path: str
    headers: str  # the lines every request carries

    @classmethod
    def parse(cls, url: str, api_key: str | None) -> Endpoint:
        """Reads the options; raises ValueError with a sentence."""
        parts = urlsplit(url)
        odd = parts.port == 0 or "@" in parts.netloc or re.search("[?#]", url)
        if parts.scheme not in ("http", "https") or not parts.hostname or odd:
            raise ValueError(f"--url {url!r} is not of the form http://host:port")
        if not re.fullmatch(r"[!-~]+", url):
            raise ValueError(f"--url {url!r} has characters that do not belong into a URL")
        if not all(0 < len(label) < 64 for label in parts.hostname.removesuffix(".").split(".")):
            raise ValueError(f"--url {url!r} names a host with an empty or overlong part")
        if api_key is not None and not re.fullmatch(r"[!-~]+", api_key):
            raise ValueError("--api-key must be visible ASCII characters")
        tls = parts.scheme == "https"
        key = "" if api_key is None else f"Authorization: Bearer {api_key}\r\n"
        headers = (
            f"Host: {parts.netloc}\r\nUser-Agent: client.py\r\nAccept: application/json\r\n{key}"
        )
        port = parts.port or (443 if tls else 80)
        return cls(url, parts.hostname, port, tls, parts.path.rstrip("/"), headers)


class RequestWriter:
    """Writes requests as bytes; what is the same in all of them is written once."""

    def __init__(self, run: Run) -> None:
        """Prepares the heads."""
        endpoint, run_id = run.options.endpoint, run.run_id
        common = f"{endpoint.headers}Content-Type: application/json\r\nIdempotency-Key: {run_id}"
        self._endpoint = endpoint
        self._order_head = f"POST {endpoint.base_path}/create_order HTTP/1.1\r\n{common}".encode()
        self._bulk_head = f"POST {endpoint.base_path}/orders/bulk HTTP/1.1\r\n{common}".encode()
        # The first item is the order's number in the run: so a row can be told to be a request's
        # second one even when it bears an order_id that no answer has named.
        order = '{"user_id": "%s", "item_ids": [%%d, 101, 102], "total_amount": 59.99}'
        self._order = (order % run.user_id).encode()

    def order(self, number: int) -> bytes:
        """Writes the request that places one order."""
        return self._post(self._order_head, number, self._order % number)

    def bulk(self, first: int, count: int) -> bytes:
        """Writes the request that places `count` orders, all or none."""
        orders = b", ".join(self._order % number for number in range(first, first + count))
        return self._post(self._bulk_head, first, b'{"orders": [%b]}' % orders)

    def get(self, target: str) -> bytes:
        """Writes a read."""
        path = self._endpoint.base_path + target
        return f"GET {path} HTTP/1.1\r\n{self._endpoint.headers}\r\n".encode()

    @staticmethod
    def _post(head: bytes, key: int, body: bytes) -> bytes:
        return b"%b-%d\r\nContent-Length: %d\r\n\r\n%b" % (head, key, len(body), body)


class Caller:
    """A keep-alive connection, and the patience to repeat what did not get through."""

    def __init__(self, endpoint: Endpoint, tally: Tally) -> None:
        """Connects only when it calls."""
        self._endpoint = endpoint
        self._tally = tally
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: bytes, give_up_at: float) -> Answer:
        """Returns the final answer to a request that may be repeated; raises GaveUpError."""
        pauses, reason = backoff_seconds(), TIMED_OUT
        while True:
            pause = next(pauses)
            try:
                answer = await self._attempt(request, min(give_up_at, now() + ATTEMPT_SECONDS))
            except (OSError, EOFError, MalformedAnswerError) as error:
                kind = kind_of(error)
            else:
                self._tally.statuses[answer.status] += 1
                if not answer.asks_to_repeat:
                    return answer
                kind = answer.kind
                pause += answer.retry_after_seconds
            self._tally.errors[kind] += 1
            if kind != TIMED_OUT:  # that may have been our own patience ending
                reason = kind
            if now() + pause >= give_up_at:
                raise GaveUpError(reason)
            await asyncio.sleep(pause)
            self._tally.retries += 1

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._streams is not None:
            self._streams[1].transport.abort()  # nothing that is still to be said could be of use
        self._streams = None

    async def _attempt(self, request: bytes, deadline: float) -> Answer:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        try:
            async with asyncio.timeout_at(deadline):
                reader, writer = self._streams = self._streams or await connect(self._endpoint)
                writer.write(request)
                answer = await read_answer(reader)
        except BaseException:
            self.close()  # what still comes must not be taken for the next request's answer
            raise
        if not answer.keeps_alive:
            self.close()
        return answer


async def connect(endpoint: Endpoint) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Opens a connection; raises OSError."""
    return await asyncio.open_connection(endpoint.host, endpoint.port, ssl=endpoint.tls or None)


class GaveUpError(Exception):
    """A request got no final answer in its time; says what came in its stead."""


class MalformedAnswerError(Exception):
    """What came back is no HTTP."""


TIMED_OUT = "timed out"


def backoff_seconds() -> Iterator[float]:
    """Yields how long to pause after each failure: exponential, full jitter."""
    bound, longest = BACKOFF_SECONDS
    while True:
        yield random.uniform(0, bound)
        bound = min(longest, bound * 2)


def kind_of(error: Exception) -> str:
    """Names what went wrong in words that are the same for the same trouble."""
    if isinstance(error, TimeoutError):
        return TIMED_OUT
    if isinstance(error, ConnectionRefusedError) or "Connect call failed" in str(error):
        return "connection refused"  # the second where a name has several addresses
    if isinstance(error, ConnectionError | EOFError):
        return "connection broken"
    return str(error)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    head: bytes  # status line and headers in lower case
    body: bytes
    keeps_alive: bool  # whether its connection can take another request

    @property
    def asks_to_repeat(self) -> bool:
        """Whether the same request may get another answer later.

        409 with Retry-After is said of a request whose key is still at work; 502 and 504 come from
        a gateway, and leave open whether the service has seen the request.
        """
        if self.status == 409:
            return find_header(self.head, b"retry-after") != b""
        return self.status in (429, 502, 503, 504)

    @property
    def retry_after_seconds(self) -> float:
        """How long the service asks to wait; 0 if it does not say it in seconds."""
        value = find_header(self.head, b"retry-after")
        return float(value) if value.isdigit() else 0.0

    @property
    def kind(self) -> str:
        """Names what is wrong with it."""
        document = self.document()
        reason = document.get("code") or document.get("title") or document.get("error")
        if reason is None and self.status < 300:
            reason = "but not what was asked for"
        return f"HTTP {self.status} {str(reason or '')[:60]}".rstrip()

    def document(self) -> dict[str, Any]:
        """Returns the JSON object in the body; an empty one if there is none."""
        with suppress(ValueError, RecursionError):
            if isinstance(document := json.loads(self.body), dict):
                return document
        return {}


async def read_answer(reader: asyncio.StreamReader) -> Answer:
    """Reads an answer to its end; raises MalformedAnswerError, OSError or EOFError."""
    try:
        status = 100
        while status < 200:  # 100 Continue and its like announce the answer
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            version, status = head[:8], int(head[9:12])
        wish = find_header(head, b"connection")
        keeps_alive = b"close" not in wish and (version == b"http/1.1" or b"keep-alive" in wish)
        length = find_header(head, b"content-length")
        if status in (204, 304):
            body = b""
        elif b"chunked" in find_header(head, b"transfer-encoding"):
            body = await read_chunks(reader)
        elif length:
            body = await reader.readexactly(int(length))
        else:  # then it ends with the connection
            body, keeps_alive = await reader.read(), False
    except (ValueError, asyncio.LimitOverrunError) as error:
        raise MalformedAnswerError("malformed answer") from error
    return Answer(status, head, body, keeps_alive)


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Reads a chunked body with its trailers."""
    chunks = []
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        chunks.append((await reader.readexactly(size + 2))[:-2])
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass
    return b"".join(chunks)


def find_header(head: bytes, name: bytes) -> bytes:
    """Returns a header's value from a head in lower case; empty if it is not there."""
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.find(b"\r\n", start)].strip()


def punctual_loop() -> asyncio.AbstractEventLoop:
    """Returns an event loop that keeps a rate, on Linux, to the microsecond."""
    return asyncio.SelectorEventLoop(PunctualSelector() if sys.platform == "linux" else None)


class PunctualSelector(selectors.DefaultSelector):
    """Wakes when it is time.

    epoll rounds its timeout up to a whole millisecond, and --rate would report the difference as
    latency of the service; select() does not round, and an epoll can itself be selected on.
    """

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Waits for events as its parent does."""
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], [], [], timeout)
            timeout = 0
        return super().select(timeout)


def now() -> float:
    """Returns seconds on the clock that the event loop uses; its zero means nothing."""
    return time.monotonic()


# --- figures ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """A run, and the figures worked out of it."""

    run: Run
    latency: Spread | None  # of the requests that were accepted
    waiting: Spread | None  # from created to begun, of the orders
    end_to_end: Spread | None  # from created to ended, of the orders
    completed_rate: float | None  # orders a second, from the first created to the last completed
    buckets: list[Bucket]
    moments: list[Moment]
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def request_rate(self) -> float:
        """Requests answered a second, whatever the answer."""
        return self.run.placing.statuses.total() / max(self.run.elapsed_seconds, 1e-9)

    @property
    def accepted_rate(self) -> float:
        """Orders accepted a second."""
        return self.run.accepted / max(self.run.elapsed_seconds, 1e-9)

    @property
    def proven(self) -> bool:
        """Whether the run went to its end, with all accepted and, if that was asked, completed."""
        run, proof = self.run, self.run.proof
        if run.accepted < run.sent or run.sent == 0 or run.interrupted:
            return False
        if not run.options.wait:
            return True
        return proof is not None and (
            proof.completed == run.accepted and proof.lost + proof.duplicated == 0
        )

    @property
    def unproven(self) -> str:
        """Why there is no proof; empty if there is one."""
        run = self.run
        if run.proof is not None:
            return ""
        if run.interrupted:
            return f"interrupted, {run.ended} at their end so far" if run.waiting else "interrupted"
        return run.unproven if run.options.wait else "--no-wait"

    @property
    def exit_status(self) -> int:
        """The command's."""
        if self.run.interrupted:
            return 130
        return 0 if self.proven and all(verdict.held for verdict in self.verdicts) else 1


def conclude(run: Run) -> Result:
    """Works out the figures."""
    latencies = [sample.latency_seconds for sample in run.samples]
    # Without a proof some may not have been read, and the others need not be like them.
    ended = [row for row in run.rows.values() if row.ended] if run.proof is not None else []
    created = min((row.created_at for row in ended if row.created_at is not None), default=0.0)
    # The service's clock may differ from ours: its first order is taken for our start.
    completed = [
        row.completed_at - created
        for row in ended
        if row.completed_at is not None and row.status == "COMPLETED"
    ]
    working = max(completed, default=0.0)
    result = Result(
        run=run,
        latency=Spread.of(latencies),
        waiting=Spread.of([s for row in ended if (s := row.waiting_seconds) is not None]),
        end_to_end=Spread.of([s for row in ended if (s := row.end_to_end_seconds) is not None]),
        completed_rate=len(completed) / working if working > 0 else None,
        buckets=histogram(latencies),
        moments=moments(run.samples, completed),
    )
    result.verdicts.extend(wanted.judge(result) for wanted in run.options.thresholds)
    return result


@dataclass(frozen=True)
class Spread:
    """How durations, in seconds, are spread."""

    min: float
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread | None:
        """Measures them, percentiles by nearest rank; None if there are none."""
        if not seconds:
            return None
        ranked = sorted(seconds)
        mean = math.fsum(ranked) / len(ranked)
        p50, p90, p95, p99 = (
            ranked[max(0, -(-len(ranked) * percent // 100) - 1)] for percent in (50, 90, 95, 99)
        )
        return cls(ranked[0], mean, p50, p90, p95, p99, ranked[-1])


class Bucket(NamedTuple):
    """How many requests took at most `up_to` seconds, and longer than the bucket before."""

    up_to: float
    requests: int


def histogram(seconds: Sequence[float]) -> list[Bucket]:
    """Returns ten buckets of one width up to the 99th percentile, and one for what lies beyond."""
    spread = Spread.of(seconds)
    if spread is None:
        return []
    width = (spread.p99 - spread.min) / 10
    bounds = [spread.min + width * step for step in range(1, 10)] if width > 0 else []
    bounds += [spread.p99] + ([spread.max] if spread.max > spread.p99 else [])
    counts = Counter(bisect.bisect_left(bounds, value) for value in seconds)
    return [Bucket(bound, counts[index]) for index, bound in enumerate(bounds)]


@dataclass(frozen=True)
class Moment:
    """One step of the run's time."""

    at_seconds: float  # its middle, since the start
    accepted_rate: float  # orders a second
    completed_rate: float
    latency: Spread | None  # of the requests answered in it; None if none was


def moments(samples: Sequence[Sample], completed: Sequence[float]) -> list[Moment]:
    """Cuts the run into at most 60 steps; `completed` are seconds since the start."""
    span = max(itertools.chain((sample.at_seconds for sample in samples), completed), default=0.0)
    if span <= 0:
        return []
    last = min(60, max(1, len(samples) // 10)) - 1  # about ten requests in a step, at least
    step = span / (last + 1)
    steps: list[list[Sample]] = [[] for _ in range(last + 1)]
    for sample in samples:
        steps[min(int(sample.at_seconds / step), last)].append(sample)
    ended = Counter(min(int(at / step), last) for at in completed)
    return [
        Moment(
            at_seconds=(index + 0.5) * step,
            accepted_rate=sum(sample.orders for sample in answered) / step,
            completed_rate=ended[index] / step,
            latency=Spread.of([sample.latency_seconds for sample in answered]),
        )
        for index, answered in enumerate(steps)
    ]


def round_up(value: float) -> float:
    """Returns the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 5, 10) if power * step >= value * (1 - 1e-9))


COMPARISONS = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq,
}  # fmt: skip
LATENCY_UNITS = {"ms": 0.001, "s": 1.0}
THRESHOLD_UNITS = {
    **dict.fromkeys(("p50", "p90", "p95", "p99", "min", "mean", "max"), LATENCY_UNITS),
    "rate": {"": 1.0, "/s": 1.0},  # orders accepted a second
    "errors": {"": 1.0, "%": 0.01},  # orders not accepted, or their share of those sent
}


@dataclass(frozen=True)
class Threshold:
    """A condition on one figure; the limit is in seconds, orders a second, orders, or a share."""

    text: str
    figure: str
    comparison: str
    limit: float
    unit: str

    def judge(self, result: Result) -> Verdict:
        """Returns whether it holds; of figures that were not measured nothing does."""
        run = result.run
        if self.figure == "rate":
            value, shown = result.accepted_rate, f"{result.accepted_rate:,.1f}/s"
        elif self.figure == "errors" and self.unit == "%":
            value = (run.refused + run.given_up) / max(run.sent, 1)
            shown = f"{value:.2%}"
        elif self.figure == "errors":
            value, shown = run.refused + run.given_up, f"{run.refused + run.given_up:,}"
        elif result.latency is None:
            return Verdict(self.text, "not measured", None, held=False)
        else:
            value = getattr(result.latency, self.figure)
            shown = show_seconds(value)
        return Verdict(self.text, shown, value, COMPARISONS[self.comparison](value, self.limit))


class Verdict(NamedTuple):
    """A threshold and what became of it."""

    text: str
    shown: str
    value: float | None
    held: bool


def threshold(text: str) -> Threshold:
    """Reads a condition such as `p95<200ms`."""
    found = re.fullmatch(
        r"([a-z0-9]+)(<=|>=|==|<|>)(\d+(?:\.\d+)?)(ms|s|/s|%|)", text.replace(" ", "")
    )
    figure, comparison, number, unit = found.groups() if found else ("", "", "", "")
    if figure not in THRESHOLD_UNITS:
        figures = ", ".join(THRESHOLD_UNITS)
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form 'p95<200ms'; figures are {figures}"
        )
    if unit not in (units := THRESHOLD_UNITS[figure]):
        wanted = " or ".join(name or "none" for name in units)
        raise argparse.ArgumentTypeError(f"{text!r}: the unit of {figure} is {wanted}")
    return Threshold(text, figure, comparison, float(number) * units[unit], unit)


def show_seconds(seconds: float) -> str:
    """Writes a duration with three digits that matter."""
    value, unit = (seconds, "s") if seconds >= 0.9995 else (seconds * 1000, "ms")
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


# --- the report as text ----------------------------------------------------------------------

BOLD, RED, GREEN, YELLOW, CYAN = 1, 31, 32, 33, 36
Paint = Callable[[int, str], str]


def print_report(result: Result) -> None:
    """Prints the report, in colour on a terminal; signs that cannot be shown become `?`."""
    colour = is_terminal(sys.stdout) and "NO_COLOR" not in os.environ
    text = render_text(result, paint_for_terminal if colour else paint_nothing)
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    say(sys.stdout, text.encode(encoding, "replace").decode(encoding))


def say(stream: TextIO | None, text: str) -> None:
    """Prints a line.

    A stream that is closed, full or no longer read ends nothing: it says nothing about the run.
    """
    if stream is None or stream.closed:  # before we began, or below
        return
    try:
        print(text, file=stream, flush=True)
    except OSError:
        with suppress(OSError):
            stream.close()  # else the interpreter tries once more, and its status is 120


def is_terminal(stream: TextIO | None) -> bool:
    """Tells whether somebody looks at a stream."""
    return stream is not None and stream.isatty()


def paint_for_terminal(code: int, text: str) -> str:
    """Colours text."""
    return f"\033[{code}m{text}\033[0m"


def paint_nothing(_: int, text: str) -> str:
    """Leaves text as it is."""
    return text


def render_text(result: Result, paint: Paint) -> str:
    """Returns the whole report."""
    run = result.run
    latency = {"request": result.latency}
    orders = {"waiting": result.waiting, "end to end": result.end_to_end}
    statuses = [
        f"  {paint(GREEN if status < 300 else YELLOW, str(status))}  {count:,}"
        for status, count in sorted(run.placing.statuses.items())
    ]
    errors = [f"  {paint(YELLOW, f'{count:>7,}')}  {kind}" for kind, count in errors_of(run)]
    thresholds = [
        f"  {mark(paint, held=verdict.held)} {verdict.text}  ({verdict.shown})"
        for verdict in result.verdicts
    ]
    sections = {
        "Summary": [f"  {name:<14}{value}" for name, value in summary_of(result)],
        "Latency": spread_table(latency),
        "Histogram": histogram_lines(result.buckets, paint),
        "Status codes": statuses,
        "Errors": errors or ["  none"],
        "Orders": spread_table(orders),
        "Thresholds": thresholds,
    }
    if (rate := result.completed_rate) is not None:
        sections["Orders"].append(
            f"  {rate:,.1f} orders/s from the first created to the last completed"
        )
    first, *others = proof_lines(result)
    parts = [[paint(BOLD, title), *lines] for title, lines in sections.items() if lines]
    parts.append([f"{mark(paint, held=result.proven)} {paint(BOLD, first)}", *others])
    return "\n" + "\n\n".join("\n".join(lines) for lines in parts)


def mark(paint: Paint, *, held: bool) -> str:
    """Returns a tick or a cross."""
    return paint(GREEN, "✓") if held else paint(RED, "✗")


def summary_of(result: Result) -> list[tuple[str, str]]:
    """Returns names and values of the totals."""
    run = result.run
    share = run.accepted / max(run.sent, 1)
    rows = [
        ("Orders", f"{run.accepted:,} accepted of {run.sent:,} sent ({share:.2%})"),
        ("Took", show_seconds(run.elapsed_seconds)),
        ("Requests/s", f"{result.request_rate:,.1f}"),
    ]
    if run.options.batch_size is not None:
        rows.append(("Orders/s", f"{result.accepted_rate:,.1f}"))
    if run.options.rate is not None:
        rows.append(("Offered", f"{run.options.rate:,.1f} orders/s"))
    counts = {
        "Refused": run.refused, "Given up": run.given_up, "Retries": run.placing.retries,
        "Overdue": run.overdue, "In flight": run.sent - run.accepted - run.refused - run.given_up,
    }  # fmt: skip
    rows += [(name, f"{count:,}") for name, count in counts.items() if count]
    return [*rows, ("User", run.user_id)]


def errors_of(run: Run) -> list[tuple[str, int]]:
    """Returns the failed attempts by kind, the most frequent first."""
    reading = run.reading.errors.most_common()
    return [
        *run.placing.errors.most_common(),
        *((f"{kind} (while waiting)", count) for kind, count in reading),
    ]


def spread_table(rows: dict[str, Spread | None]) -> list[str]:
    """Returns lines of a table, a row for each spread that there is; none if there is none."""
    lines = []
    for title, spread in rows.items():
        if spread is not None:
            cells = "".join(f"{show_seconds(value):>10}" for value in asdict(spread).values())
            lines.append(f"  {title:<10}{cells}")
    heads = "".join(f"{name:>10}" for name in Spread.__dataclass_fields__)
    return [f"  {'':<10}{heads}", *lines] if lines else []


def histogram_lines(buckets: Sequence[Bucket], paint: Paint) -> list[str]:
    """Returns a bar for each bucket, labelled with its upper bound."""
    most = max((bucket.requests for bucket in buckets), default=1)
    lines = []
    for up_to, requests in buckets:
        label = f"  {show_seconds(up_to):>9}  {requests:>{len(f'{most:,}')},}"
        bar = "■" * math.ceil(requests / most * 40)
        lines.append(f"{label}  {paint(CYAN, bar)}" if bar else label)
    return lines


def proof_lines(result: Result) -> list[str]:
    """Returns the sentence everything is about, and what must be added to it."""
    run, proof = result.run, result.run.proof
    if proof is None:
        return [f"accepted {run.accepted}, not followed to their end ({result.unproven})"]
    remarks = {
        "not accepted": (run.sent - run.accepted, ""),
        "failed": (proof.failed, ""),
        "cancelled": (proof.cancelled, ""),
        "unfinished": (
            proof.unfinished, f": none of them moved for {run.options.timeout_seconds:g} s"
        ),
        "unacknowledged": (proof.unacknowledged, ": made though their request got no answer"),
    }  # fmt: skip
    first = (
        f"accepted {proof.accepted}, completed {proof.completed}, "
        f"lost {proof.lost}, duplicated {proof.duplicated}"
    )
    return [
        first,
        *(f"  {name} {count}{why}" for name, (count, why) in remarks.items() if count),
        *(f"    {order_id}: {why}" for order_id, why in proof.examples.items()),
    ]


# --- the report as files ---------------------------------------------------------------------


def write_files(result: Result) -> int:
    """Writes the reports asked for; returns 1 if one could not be written."""
    options = result.run.options
    reports = ((options.json_path, render_json), (options.html_path, render_html))
    written = [write_file(path, render(result)) for path, render in reports if path is not None]
    return 0 if all(written) else 1


def write_file(path: Path, text: str) -> bool:
    """Writes a file; says why, and returns False, if that fails.

    Half a surrogate pair, which an answer's JSON may hold and UTF-8 may not, becomes `?`.
    """
    try:
        path.write_text(text, "utf-8", "replace")
    except OSError as error:  # it knows its file only if opening failed, not if writing did
        say(sys.stderr, f"cannot write {path}: {error.strerror}")
        return False
    return True


def render_json(result: Result) -> str:
    """Returns the report as JSON."""
    return json.dumps(as_document(result), indent=2) + "\n"


def as_document(result: Result) -> dict[str, Any]:
    """Returns the report for programs; durations are seconds, rates are per second."""
    run, options = result.run, result.run.options
    return {
        "options": {
            "url": options.endpoint.url,
            "num_requests": options.num_requests,
            "duration": options.duration_seconds,
            "concurrency": options.concurrency,
            "rate": options.rate,
            "batch_size": options.batch_size,
            "wait": options.wait,
            "timeout": options.timeout_seconds,
        },
        "user_id": run.user_id,
        "started_at": run.started_at.isoformat().replace("+00:00", "Z"),
        "duration": run.elapsed_seconds,
        "interrupted": run.interrupted,
        "requests": {
            "answered": run.placing.statuses.total(),
            "rate": result.request_rate,
            "retries": run.placing.retries,
            "statuses": dict(sorted(run.placing.statuses.items())),
            "errors": run.placing.errors,
            "errors_while_waiting": run.reading.errors,
            "latency": result.latency and asdict(result.latency),
            "histogram": [bucket._asdict() for bucket in result.buckets],
        },
        "orders": {
            "sent": run.sent,
            "accepted": run.accepted,
            "refused": run.refused,
            "given_up": run.given_up,
            "overdue": run.overdue,
            "accepted_rate": result.accepted_rate,
            "completed_rate": result.completed_rate,
            "waiting": result.waiting and asdict(result.waiting),
            "end_to_end": result.end_to_end and asdict(result.end_to_end),
        },
        "proof": run.proof and asdict(run.proof),
        "unproven": result.unproven,
        "thresholds": [verdict._asdict() for verdict in result.verdicts],
        "over_time": [asdict(moment) for moment in result.moments],
        "exit_status": result.exit_status,
    }


def render_html(result: Result) -> str:
    """Returns the report as one page that needs nothing else."""
    run = result.run
    word, tone = ("passed", "good") if result.exit_status == 0 else ("failed", "bad")
    if run.interrupted:
        word = "interrupted"
    first, *others = proof_lines(result)
    tiles = {
        "requests/s": f"{result.request_rate:,.0f}",
        "accepted/s": f"{result.accepted_rate:,.0f}",
        "completed/s": f"{result.completed_rate:,.0f}" if result.completed_rate else "-",
        "p50": show_seconds(result.latency.p50) if result.latency else "-",
        "p99": show_seconds(result.latency.p99) if result.latency else "-",
        "not accepted": f"{run.sent - run.accepted:,}",
    }
    cells = "".join(f"<div><b>{value}</b>{name}</div>" for name, value in tiles.items())
    body = [
        f"<h1>Load report <span class={tone}>{word}</span></h1>",
        f"<p>{escape(run.options.endpoint.url)}, {run.started_at:%Y-%m-%d %H:%M:%S} UTC</p>",
        f"<p class=proof>{escape(first)}</p>",
        *(f"<p>{escape(line)}</p>" for line in others),
        f"<div class=tiles>{cells}</div>",
        *html_charts(result),
        f"<h2>As the terminal shows it</h2><pre>{escape(render_text(result, paint_nothing))}</pre>",
    ]
    return PAGE % {"style": STYLE, "body": "\n".join(body)}


def html_charts(result: Result) -> list[str]:
    """Returns latency over time, its histogram, and the throughput."""
    charts = []
    if sending := moments(result.run.samples, completed=[]):  # waiting may take ten times as long
        spreads = [moment.latency for moment in sending]
        latency = {
            name: [asdict(spread)[name] if spread else None for spread in spreads]
            for name in ("p50", "p95", "p99")
        }
        at = [moment.at_seconds for moment in sending]
        charts.append(line_chart("Latency over time", at, latency, show_seconds))
    if result.buckets:
        charts.append(bar_chart("Latency histogram", result.buckets))
    if result.moments:
        rates: dict[str, list[float | None]] = {
            "accepted": [moment.accepted_rate for moment in result.moments],
        }
        if result.run.proof is not None:
            rates["completed"] = [moment.completed_rate for moment in result.moments]
        at = [moment.at_seconds for moment in result.moments]
        charts.append(line_chart("Orders a second", at, rates, "{:,.10g}".format))
    return charts


CHART_WIDTH, CHART_HEIGHT = 900, 260
PLOT_LEFT, PLOT_RIGHT, PLOT_TOP, PLOT_BOTTOM = 76, 884, 12, 226


def line_chart(
    title: str,
    at_seconds: Sequence[float],
    series: dict[str, list[float | None]],
    show: Callable[[float], str],
) -> str:
    """Returns lines over time; a None interrupts its line."""
    top = max((value for line in series.values() for value in line if value), default=0.0)
    grid, scale = y_axis(top, show)
    end = at_seconds[-1] + at_seconds[0]  # they are the middles of equal steps
    step = round_up(end / 5)
    ticks = (step * index for index in range(int(end / step) + 1))
    parts = [grid, *(x_label(f"{at:g} s", at / end) for at in ticks)]
    for index, line in enumerate(series.values()):
        points = [
            None if value is None else (x_of(at / end), scale(value))
            for at, value in zip(at_seconds, line, strict=True)
        ]
        parts.append(f'<path class=s{index} d="{svg_path(points)}"/>')
    legend = "".join(f"<span class=s{i}>{escape(name)}</span>" for i, name in enumerate(series))
    return svg_figure(title, parts, legend)


def bar_chart(title: str, buckets: Sequence[Bucket]) -> str:
    """Returns a bar for each bucket, labelled with its upper bound."""
    most = max(bucket.requests for bucket in buckets)
    grid, scale = y_axis(most, "{:,.0f}".format, least_step=1)
    width = (PLOT_RIGHT - PLOT_LEFT) / len(buckets)
    parts = [grid]
    for index, (up_to, requests) in enumerate(buckets):
        left, top = PLOT_LEFT + index * width, scale(requests)
        parts.append(
            f'<rect x="{left + 2:.1f}" y="{top:.1f}" width="{width - 4:.1f}" '
            f'height="{PLOT_BOTTOM - top:.1f}"><title>{requests:,} requests</title></rect>'
        )
        parts.append(x_label(show_seconds(up_to), (index + 0.5) / len(buckets)))
    return svg_figure(title, parts, "")


def svg_figure(title: str, parts: Sequence[str], legend: str) -> str:
    """Returns a chart with its heading."""
    view = f"0 0 {CHART_WIDTH} {CHART_HEIGHT}"
    image = f'<svg viewBox="{view}" role=img aria-label="{escape(title)}">{"".join(parts)}</svg>'
    return f"<h2>{escape(title)} <small>{legend}</small></h2>{image}"


def y_axis(
    top: float, show: Callable[[float], str], least_step: float = 0.0
) -> tuple[str, Callable[[float], float]]:
    """Returns grid lines with labels up to at least `top`, and the scale that goes with them."""
    step = max(round_up(top / 4), least_step) if top > 0 else 1.0
    steps = max(1, math.ceil(top / step - 1e-9))

    def scale(value: float) -> float:
        return PLOT_BOTTOM - value / (step * steps) * (PLOT_BOTTOM - PLOT_TOP)

    lines = []
    for index in range(steps + 1):
        y, label = scale(step * index), show(step * index) if index else "0"
        lines.append(
            f'<line x1="{PLOT_LEFT}" x2="{PLOT_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class=y x="{PLOT_LEFT - 8}" y="{y + 4:.1f}">{label}</text>'
        )
    return "".join(lines), scale


def x_label(text: str, share: float) -> str:
    """Returns a label below the plot, at a share of its width."""
    return f'<text class=x x="{x_of(share):.1f}" y="{PLOT_BOTTOM + 20}">{escape(text)}</text>'


def x_of(share: float) -> float:
    """Returns where a share of the plot's width lies."""
    return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)


def svg_path(points: Sequence[tuple[float, float] | None]) -> str:
    """Returns the path through the points; it starts anew after a None."""
    commands = []
    for before, point, after in zip([None, *points], points, [*points[1:], None], strict=False):
        if point is not None:
            commands.append(f"{'M' if before is None else 'L'}{point[0]:.1f} {point[1]:.1f}")
            if before is None and after is None:  # a lone point would not be seen
                commands.append("h4")
    return "".join(commands)


PAGE = """<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">
<title>Load report</title>
<style>%(style)s</style>
<body>
%(body)s
</html>
"""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --quiet: #586374; --paper: #fff; --card: #f3f5f8;
  --rule: #dde2e9; --s0: #1667c1; --s1: #b3530b; --s2: #a3246e; --good: #14713d; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --quiet: #a3adba; --paper: #14181d;
  --card: #1f252c; --rule: #343c46; --s0: #6db3ff; --s1: #ffb066; --s2: #ff8fc8; --good: #6fdc9b;
  --bad: #ff9d94 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 900px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem }
h1 span { font-size: 1rem; padding: .1rem .6rem; border: 1px solid; border-radius: 1rem;
  vertical-align: middle; margin-left: .5rem }
.good { color: var(--good) } .bad { color: var(--bad) }
p { color: var(--quiet); margin: 0 }
.proof { color: var(--ink); font-size: 1.15rem; font-weight: 600; margin: 1rem 0 }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem }
.tiles div, pre { background: var(--card); border-radius: .5rem; padding: .7rem .9rem }
.tiles div { color: var(--quiet) }
.tiles b { display: block; font-size: 1.35rem; color: var(--ink) }
pre { overflow-x: auto; font-size: 13px; line-height: 1.35 }
svg { width: 100%; height: auto; display: block }
svg line { stroke: var(--rule) } svg text { fill: var(--quiet); font-size: 12px }
svg .x { text-anchor: middle } svg .y { text-anchor: end }
svg rect { fill: var(--s0) }
svg path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
path.s0 { stroke: var(--s0) } path.s1 { stroke: var(--s1) } path.s2 { stroke: var(--s2) }
small span { font-weight: normal; margin-left: .8rem }
small .s0 { color: var(--s0) } small .s1 { color: var(--s1) } small .s2 { color: var(--s2) }
"""


# --- progress --------------------------------------------------------------------------------


class Progress(NamedTuple):
    """How far the run is."""

    phase: str
    orders: int
    verb: str  # what the orders were
    done: float
    total: float  # of `done`: orders, or seconds where time decides
    errors: int


class Display:
    """Shows progress, with the rate of the last second or two."""

    interval_seconds: float

    def __init__(self) -> None:
        """Counts the rate from now."""
        self._phase = "placing"
        self._seen = [(now(), 0)]

    def show(self, progress: Progress) -> None:
        """Shows how far the run is."""
        if progress.phase != self._phase:
            self._phase, self._seen = progress.phase, [(now(), progress.orders)]
        self._seen.append((now(), progress.orders))
        while len(self._seen) > 2 and self._seen[1][0] < now() - 1:
            del self._seen[0]
        (then, before), (at, orders) = self._seen[0], self._seen[-1]
        self.draw(progress, (orders - before) / max(at - then, 1e-9))

    def draw(self, progress: Progress, rate: float) -> None:
        """Is where a display differs from the other; `rate` is orders a second."""

    def close(self) -> None:
        """Leaves the terminal as it was."""


def open_display() -> Display:
    """Returns the best there is: a bar on a terminal with rich installed, else plain lines."""
    if is_terminal(sys.stderr):
        with suppress(ImportError):
            return BarDisplay()
    return LineDisplay()


class LineDisplay(Display):
    """A line on standard error every other second."""

    interval_seconds = 2.0
    _last: Progress | None = None

    def draw(self, progress: Progress, rate: float) -> None:
        """Writes a line, unless it would repeat the last."""
        if progress == self._last:
            return
        self._last = progress
        share = min(1.0, progress.done / progress.total) if progress.total else 1.0
        say(
            sys.stderr,
            f"{progress.phase} {share:4.0%}  {progress.orders:,} {progress.verb}  "
            f"{rate:,.0f}/s  {progress.errors:,} errors",
        )


class BarDisplay(Display):
    """A bar for each phase, on standard error."""

    interval_seconds = 0.1

    def __init__(self) -> None:
        """Raises ImportError where rich is not installed."""
        # Optional, and too slow to load for those who would not see it.
        from rich import progress as bars  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        super().__init__()
        self._tasks: dict[str, bars.TaskID] = {}
        self._bars = bars.Progress(
            bars.TextColumn("{task.description:<8}"),
            bars.BarColumn(None),
            bars.TaskProgressColumn(),
            bars.TextColumn("{task.fields[orders]:,} {task.fields[verb]}"),
            bars.TextColumn("[cyan]{task.fields[rate]:,.0f}/s"),
            bars.TextColumn("[{task.fields[tone]}]{task.fields[errors]:,} errors"),
            bars.TimeElapsedColumn(),
            console=Console(stderr=True),
            auto_refresh=False,  # its thread would take time from what is measured
        )
        self._bars.start()

    def draw(self, progress: Progress, rate: float) -> None:
        """Moves the bar of the phase."""
        fields: dict[str, Any] = {
            "orders": progress.orders, "verb": progress.verb, "rate": rate,
            "errors": progress.errors, "tone": "red" if progress.errors else "dim",
        }  # fmt: skip
        if progress.phase not in self._tasks:
            self._tasks[progress.phase] = self._bars.add_task(progress.phase, **fields)
        task = self._tasks[progress.phase]
        self._bars.update(task, completed=progress.done, total=progress.total, **fields)
        self._bars.refresh()

    def close(self) -> None:
        """Gives the terminal its cursor back."""
        self._bars.stop()


if __name__ == "__main__":
    sys.exit(main())
