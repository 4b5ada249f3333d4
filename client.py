#!/usr/bin/env python3
"""Loads the order service, then proves that it lost nothing and did nothing twice.

    python client.py --num_requests=1000

places orders over keep-alive connections, reports rates and latencies, waits until the service
has worked the orders off, and reads every one of them back. Each request carries an idempotency
key and is repeated under it when the connection breaks or the service asks for patience, so a
restart in the middle must neither lose an order nor make two of it.

Exit status: 0 if every order was accepted and completed and every threshold held, 1 if not,
2 for bad usage, 130 after Ctrl-C. Needs Python 3.11 and nothing else; with `rich` installed it
draws a progress bar on a terminal.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import email.utils
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
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import quote, urlsplit

ORDERS_PER_BULK = 1000  # the service takes no more in one request
ORDERS_PER_PAGE = 200  # the same
ATTEMPT_SECONDS = 20.0  # longer than the service's own deadline, so that its answer comes first
REACHABLE_SECONDS = 5.0  # nobody listening for so long at the start is a mistake, not a restart
BACKOFF_SECONDS = (0.05, 2.0)  # first and longest pause before a request is repeated
POLL_SECONDS = (0.05, 1.0)  # first and longest pause between two looks at unfinished orders
MAX_HEAD_BYTES = 65536


# ---------------------------------------------------------------------------------------------
# The run
# ---------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    options = parse_options(arguments)
    run = Run(options)
    try:
        with asyncio.Runner(loop_factory=loop_factory(options)) as runner:
            runner.run(drive(run))
    except UnreachableError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        run.interrupted = True
    result = conclude(run)
    print(TextReport(result, sys.stdout).render())
    return write_files(result) or result.exit_status


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
    deadline = now() + patience_seconds
    while True:
        try:
            (await connect(endpoint, deadline)).close()
        except OSError as error:
            if now() + BACKOFF_SECONDS[0] > deadline:
                message = f"nothing answers at {endpoint.url} ({kind_of(error)}): is it running?"
                raise UnreachableError(message) from None
            await asyncio.sleep(BACKOFF_SECONDS[0])
        else:
            return


async def tick(run: Run, display: Display) -> None:
    """Shows the progress until it is cancelled."""
    while True:
        await asyncio.sleep(display.interval_seconds)
        display.show(run.progress())


class UnreachableError(Exception):
    """Nothing listens where the service should be."""


@dataclass
class Tally:
    """What came back from the service, attempt by attempt."""

    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    retries: int = 0


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
    ended: int = 0  # seen at an end while waiting
    waiting: bool = False
    placed_seconds: float | None = None  # how long placing took; None while it goes on
    placing: Tally = field(default_factory=Tally)
    reading: Tally = field(default_factory=Tally)
    latencies: array[float] = field(default_factory=lambda: array("d"))  # seconds, accepted only
    answered: array[float] = field(default_factory=lambda: array("d"))  # seconds since the start
    sizes: array[int] = field(default_factory=lambda: array("L"))  # orders in each of these answers

    promised: dict[str, Promise] = field(default_factory=dict)  # by order_id
    clashes: int = 0  # answers that named an order which another key had been promised
    rows: Collection[OrderRow] = ()
    proof: Proof | None = None
    unproven: str = ""  # why there is no proof

    @property
    def user_id(self) -> str:
        """The run's own user, so that this user's orders are the run's orders."""
        return f"load-{self.run_id}"

    @property
    def accepted(self) -> int:
        """Orders answered with a 201."""
        return len(self.promised) + self.clashes

    @property
    def elapsed_seconds(self) -> float:
        """How long orders have been, or were, placed."""
        return now() - self.started if self.placed_seconds is None else self.placed_seconds

    def progress(self) -> Progress:
        """Returns what the display shows now."""
        errors = self.placing.errors.total() + self.reading.errors.total()
        if self.waiting:
            return Progress("waiting", self.ended, "ended", self.ended, self.accepted, errors)
        if self.options.num_requests is not None:
            done, total = self.accepted + self.refused + self.given_up, self.options.num_requests
            return Progress("placing", self.accepted, "accepted", done, total, errors)
        seconds = self.options.duration_seconds or 0.0
        return Progress("placing", self.accepted, "accepted", self.elapsed_seconds, seconds, errors)


class Promise(NamedTuple):
    """What a 201 said: the order placed as the run's `number`-th has this id."""

    number: int
    id: int | None


# ---------------------------------------------------------------------------------------------
# Command line
# ---------------------------------------------------------------------------------------------


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
    thresholds: tuple[Threshold, ...]


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Reads the command line; leaves with status 2 and a sentence when it makes no sense."""
    parser = argument_parser()
    given = parser.parse_args(arguments)
    if given.num_requests is None and given.duration is None:
        parser.error("say when to stop: --num_requests, --duration or both")
    for path in (given.json, given.html):
        if path is not None and not (path.parent.is_dir() and not path.is_dir()):
            parser.error(f"cannot write {path}: no such directory, or it is one")
    try:
        endpoint = Endpoint.parse(given.url, given.api_key)
    except ValueError as error:
        parser.error(str(error))
    return Options(
        endpoint=endpoint,
        num_requests=given.num_requests,
        duration_seconds=given.duration,
        concurrency=given.concurrency,
        rate=given.rate,
        batch_size=given.batch_size,
        wait=given.wait,
        timeout_seconds=given.timeout,
        json_path=given.json,
        html_path=given.html,
        thresholds=tuple(given.threshold),
    )


def argument_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="client.py",
        description="Places orders, reports rates and latencies, waits until they are worked off, "
        "and proves that none was lost and none was done twice.",
        epilog="Example: client.py --duration 30 --rate 200 --threshold 'p95<200ms' 'errors==0'",
    )
    add = parser.add_argument
    add("--num_requests", "--num-requests", type=positive_int, metavar="N", help="orders to place")
    add("--duration", type=positive, metavar="S", help="stop placing after so many seconds")
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
    add("--timeout", type=positive, default=60.0, metavar="S",
        help="seconds until a request is given up, and without progress until waiting is "
        "(default: %(default)g)")  # fmt: skip
    add("--api-key", metavar="K", help="sent as 'Authorization: Bearer K'")
    add("--json", type=Path, metavar="FILE", help="write the report as JSON")
    add("--html", type=Path, metavar="FILE", help="write the report as one HTML page with charts")
    add("--threshold", type=threshold, nargs="+", action="extend", default=[], metavar="T",
        help="fail unless it holds, for example 'p95<200ms' 'rate>=500' 'errors<1%%'; of "
        + ", ".join(THRESHOLD_UNITS))  # fmt: skip
    return parser


def positive_int(text: str) -> int:
    """Reads a whole number from 1 up."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 up")
    return int(text)


def bulk_size(text: str) -> int:
    """Reads how many orders go into a request."""
    size = positive_int(text)
    if size > ORDERS_PER_BULK:
        raise argparse.ArgumentTypeError(f"{size} is above {ORDERS_PER_BULK}")
    return size


def positive(text: str) -> float:
    """Reads a finite number above 0."""
    with suppress(ValueError):
        if 0 < (number := float(text)) < math.inf:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")


# ---------------------------------------------------------------------------------------------
# Placing orders
# ---------------------------------------------------------------------------------------------


async def place_orders(run: Run) -> None:
    """Sends what is to be sent, over as many connections as asked for."""
    slots = run.options.concurrency
    if run.options.num_requests is not None:
        slots = min(slots, run.options.num_requests)
    run.started, run.started_at = now(), datetime.now(UTC)
    due = arrivals(run.options, run.started)
    gc.disable()  # else collections show as latency: 27 ms instead of 11 at most, measured
    requests = RequestWriter(run.options.endpoint, run.run_id, run.user_id)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(slots):
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
    size = options.batch_size or 1
    last = math.inf if options.num_requests is None else options.num_requests
    end = math.inf if options.duration_seconds is None else started + options.duration_seconds
    first = 1
    while first <= last:
        due = None if options.rate is None else started + (first - 1) / options.rate
        if (now() if due is None else due) >= end:
            return
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
        run.latencies.append(answered - (began if arrival.due is None else arrival.due))
        run.answered.append(answered - run.started)
        run.sizes.append(accepted)


def note_promises(arrival: Arrival, answer: Answer, run: Run) -> int:
    """Remembers the orders that `answer` promises; returns how many."""
    promises = read_promises(answer, bulk=run.options.batch_size is not None)
    accepted = 0
    for number, promise in enumerate(promises[: arrival.orders], arrival.first):
        if promise is None:
            continue
        order_id, row_id = promise
        accepted += 1
        if order_id in run.promised:
            run.clashes += 1
        else:
            run.promised[order_id] = Promise(number, row_id)
    if accepted < arrival.orders:
        run.refused += arrival.orders - accepted
        run.placing.errors[answer.kind] += 1
    return accepted


def read_promises(answer: Answer, *, bulk: bool) -> list[tuple[str, int | None] | None]:
    """Returns order_id and id of each order the answer accepts, None for one that it does not."""
    if answer.status not in (200, 201):
        return []
    document = answer.document()
    if not bulk:
        return [read_promise(document)]
    results = document.get("results")
    return [read_promise(result) for result in results] if isinstance(results, list) else []


def read_promise(result: object) -> tuple[str, int | None] | None:
    """Returns order_id and id of an accepted order, or None."""
    if not isinstance(result, dict) or not isinstance(order_id := result.get("order_id"), str):
        return None
    status = result.get("status")  # of a result in bulk a number, of an order a word
    if isinstance(status, int) and status not in (200, 201):
        return None
    row_id = result.get("id")
    return order_id, row_id if isinstance(row_id, int) else None


# ---------------------------------------------------------------------------------------------
# Waiting, and the proof
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proof:
    """What the orders, read back one by one, say about the promises made."""

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
    def parse(cls, document: dict[str, Any]) -> OrderRow:
        """Reads an order document; what it lacks is None."""
        items = document.get("item_ids")
        return cls(
            order_id=str(document.get("order_id")),
            id=document.get("id"),
            number=items[0] if isinstance(items, list) and items else None,
            status=str(document.get("status")).upper(),
            error=document.get("error"),
            waiting_seconds=document.get("pending_duration"),
            end_to_end_seconds=document.get("total_duration"),
            created_at=read_time(document.get("created_at")),
            completed_at=read_time(document.get("completed_at")),
        )

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in ("COMPLETED", "FAILED", "CANCELLED")


def read_time(text: object) -> float | None:
    """Reads an ISO 8601 time."""
    if isinstance(text, str):
        with suppress(ValueError):
            return datetime.fromisoformat(text).timestamp()
    return None


async def follow(run: Run) -> None:
    """Waits until the promised orders are at an end, then settles the proof."""
    run.waiting = True
    read_back = ReadBack(run)
    try:
        if run.promised and await read_back.wait_for_backlog():
            await read_back.wait_for_orders()
        await read_back.read_everything()
    except* (GaveUpError, UnreadableError) as group:
        run.unproven = f"could not read the orders back: {group.exceptions[0]}"
    else:
        run.proof = read_back.prove()
    finally:
        run.rows = read_back.rows.values()
        read_back.close()


class UnreadableError(Exception):
    """The service answered a read with something that is no answer to it."""


class ReadBack:
    """Reads the run's orders from the service and holds them against what was promised."""

    def __init__(self, run: Run) -> None:
        """Connects only when it reads."""
        self.rows: dict[str, OrderRow] = {}  # as last seen, by order_id
        self._extra: dict[tuple[str, int | None], OrderRow] = {}  # of this user, never promised
        self._missing: set[str] = set()
        self._run = run
        self._offers_pages = True
        self._requests = RequestWriter(run.options.endpoint, run.run_id, run.user_id)
        self._callers = [
            Caller(run.options.endpoint, run.reading) for _ in range(run.options.concurrency)
        ]

    def close(self) -> None:
        """Closes the connections."""
        for caller in self._callers:
            caller.close()

    async def wait_for_backlog(self) -> bool:
        """Waits by the cheapest signs: the backlog is empty, or the newest order is at its end.

        Returns False when nothing has moved for the timeout.
        """
        newest = next(reversed(self._run.promised))
        patience = Patience(self._run.options.timeout_seconds)
        for pause in poll_pauses():
            backlog = await self._read_backlog()
            if backlog is None or backlog.unfinished == 0:
                break
            self._run.ended = max(0, self._run.accepted - backlog.unfinished)
            await self._read_each([newest])
            if newest not in self._unfinished():
                break
            if patience.is_over(backlog):
                return False
            await asyncio.sleep(pause)
        return True

    async def wait_for_orders(self) -> None:
        """Waits until each order itself is at its end, or none has moved for the timeout."""
        patience = Patience(self._run.options.timeout_seconds)
        for pause in poll_pauses():
            began = now()
            await self._read_unfinished()
            unfinished = len(self._unfinished())
            self._run.ended = self._run.accepted - unfinished
            if unfinished == 0 or patience.is_over(unfinished):
                return
            await asyncio.sleep(max(pause, now() - began))  # reads at most half of the time

    async def read_everything(self) -> None:
        """Takes the readings the proof rests on."""
        if self._offers_pages:
            await self._read_pages()
        # One that is on no page is asked for by name before it is called lost.
        await self._read_each([
            order_id
            for order_id in self._run.promised
            if (row := self.rows.get(order_id)) is None or not (self._offers_pages or row.ended)
        ])  # fmt: skip

    def prove(self) -> Proof:
        """Compares what was read with what was promised."""
        run = self._run
        numbers = {promise.number for promise in run.promised.values()}
        again = sum(1 for row in self._extra.values() if row.number in numbers)
        states = Counter(row.status if row.ended else "UNFINISHED" for row in self.rows.values())
        ended_badly = (row for row in self.rows.values() if row.status != "COMPLETED")
        absent = (order_id for order_id in run.promised if order_id not in self.rows)
        return Proof(
            accepted=run.accepted,
            completed=states["COMPLETED"],
            failed=states["FAILED"],
            cancelled=states["CANCELLED"],
            unfinished=states["UNFINISHED"],
            lost=len(run.promised) - len(self.rows),
            duplicated=again + run.clashes,
            unacknowledged=len(self._extra) - again,
            examples=dict(itertools.islice(
                itertools.chain(
                    ((order_id, "lost") for order_id in absent),
                    ((row.order_id, row.error or row.status) for row in ended_badly),
                ), 5)),
        )  # fmt: skip

    def _unfinished(self) -> list[str]:
        """Returns the order_ids not seen at an end, oldest first; missing ones have none."""
        return [
            order_id
            for order_id in self._run.promised
            if order_id not in self._missing
            and (order_id not in self.rows or not self.rows[order_id].ended)
        ]

    async def _read_backlog(self) -> Backlog | None:
        """Returns the service's backlog, or None where /metrics does not tell."""
        answer = await self._callers[0].call(self._requests.get("/metrics"), self._give_up_at())
        figures = answer.document() if answer.status == 200 else {}
        names = ("pending_count", "processing_count", "processed_count")
        match [figures.get(name) for name in names]:
            case [int(pending), int(processing), int(processed)]:
                return Backlog(unfinished=pending + processing, ended=processed)
        return None

    async def _read_unfinished(self) -> None:
        """Reads the orders not seen at an end, in the fewest requests."""
        unfinished = self._unfinished()
        pages = math.ceil(len(self._run.promised) / ORDERS_PER_PAGE)
        if self._offers_pages and len(unfinished) > pages:
            await self._read_pages()
        if not self._offers_pages or len(unfinished) <= pages:
            await self._read_each(unfinished)

    async def _read_pages(self) -> None:
        """Reads all orders of the run's user, page by page; notes it when there are no pages."""
        target = f"/orders?user_id={self._run.user_id}&limit={ORDERS_PER_PAGE}"
        cursor = ""
        while True:
            request = self._requests.get(target + cursor)
            answer = await self._callers[0].call(request, self._give_up_at())
            if answer.status in (400, 404, 405):
                self._offers_pages = False
                return
            page = answer.document()
            if answer.status != 200 or not isinstance(page.get("data"), list):
                raise UnreadableError(f"GET /orders: {answer.kind}")
            for document in page["data"]:
                self._note(document)
            if not page.get("has_more"):
                return
            cursor = f"&cursor={quote(str(page.get('next_cursor')), safe='')}"

    async def _read_each(self, order_ids: list[str]) -> None:
        """Reads these orders one by one, over all connections."""
        waiting = iter(order_ids)
        async with asyncio.TaskGroup() as group:
            for caller in self._callers[: len(order_ids)]:
                group.create_task(self._read_from(waiting, caller))

    async def _read_from(self, order_ids: Iterator[str], caller: Caller) -> None:
        for order_id in order_ids:
            request = self._requests.get(f"/orders/{quote(order_id, safe='')}")
            answer = await caller.call(request, self._give_up_at())
            if answer.status == 404:
                self._missing.add(order_id)
            elif answer.status == 200:
                self._note(answer.document())
            else:
                raise UnreadableError(f"GET /orders/{order_id}: {answer.kind}")

    def _note(self, document: dict[str, Any]) -> None:
        """Files an order under its promise, or among those that nobody was promised."""
        row = OrderRow.parse(document)
        promise = self._run.promised.get(row.order_id)
        if promise is not None and promise.id in (None, row.id):
            self.rows[row.order_id] = row
        else:
            self._extra[row.order_id, row.id] = row

    def _give_up_at(self) -> float:
        return now() + self._run.options.timeout_seconds


class Backlog(NamedTuple):
    """How far the service is, with all its orders."""

    unfinished: int
    ended: int


class Patience:
    """Is over when what is watched has stayed the same for so many seconds."""

    def __init__(self, seconds: float) -> None:
        """Begins to count at the first look."""
        self._seconds = seconds
        self._seen: object = None
        self._since = now()

    def is_over(self, watched: object) -> bool:
        """Takes a look."""
        if watched != self._seen:
            self._seen, self._since = watched, now()
        return now() - self._since >= self._seconds


def poll_pauses() -> Iterator[float]:
    """Yields growing pauses, in seconds, for ever."""
    pause, longest = POLL_SECONDS
    while True:
        yield pause
        pause = min(longest, pause * 1.5)


# ---------------------------------------------------------------------------------------------
# HTTP
# ---------------------------------------------------------------------------------------------


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
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ValueError(f"--url {url!r} is not of the form http://host:port")
        if not (url.isascii() and url.isprintable()) or " " in url:
            raise ValueError(f"--url {url!r} has characters that do not belong into a URL")
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

    def __init__(self, endpoint: Endpoint, run_id: str, user_id: str) -> None:
        """Prepares the heads."""
        common = f"{endpoint.headers}Content-Type: application/json\r\nIdempotency-Key: {run_id}"
        self._endpoint = endpoint
        self._order_head = f"POST {endpoint.base_path}/create_order HTTP/1.1\r\n{common}".encode()
        self._bulk_head = f"POST {endpoint.base_path}/orders/bulk HTTP/1.1\r\n{common}".encode()
        # The first item is the order's number in the run: so a row can be told to be a request's
        # second one even when it bears an order_id that no answer has named.
        order = '{"user_id": "%s", "item_ids": [%%d, 101, 102], "total_amount": 59.99}'
        self._order = (order % user_id).encode()

    def order(self, number: int) -> bytes:
        """Writes the request that places one order."""
        return self._post(self._order_head, number, self._order % number)

    def bulk(self, first: int, count: int) -> bytes:
        """Writes the request that places `count` orders, all or none."""
        orders = b", ".join(self._order % number for number in range(first, first + count))
        return self._post(
            self._bulk_head, first, b'{"orders": [%b], "on_error": "reject_all"}' % orders
        )

    def get(self, target: str) -> bytes:
        """Writes a read."""
        path = self._endpoint.base_path + target
        return f"GET {path} HTTP/1.1\r\n{self._endpoint.headers}\r\n".encode()

    @staticmethod
    def _post(head: bytes, key: int, body: bytes) -> bytes:
        return b"%b-%d\r\nContent-Length: %d\r\n\r\n%b" % (head, key, len(body), body)


class Caller:
    """One connection at a time, and the patience to repeat what did not get through."""

    def __init__(self, endpoint: Endpoint, tally: Tally) -> None:
        """Connects only when it calls."""
        self._endpoint = endpoint
        self._tally = tally
        self._connection: Connection | None = None

    async def call(self, request: bytes, give_up_at: float) -> Answer:
        """Returns the final answer to a request that may be repeated; raises GaveUpError."""
        for attempt in itertools.count():
            try:
                answer = await self._attempt(request, min(give_up_at, now() + ATTEMPT_SECONDS))
            except (OSError, MalformedAnswerError) as error:
                kind = kind_of(error)
                stale = isinstance(error, StaleConnectionError) and attempt == 0
                pause = 0.0 if stale else backoff_seconds(attempt)
            else:
                self._tally.statuses[answer.status] += 1
                if not answer.asks_to_repeat:
                    return answer
                kind = answer.kind
                pause = answer.retry_after_seconds() + backoff_seconds(attempt)
            self._tally.errors[kind] += 1
            if now() + pause >= give_up_at:
                raise GaveUpError(kind)
            await asyncio.sleep(pause)
            self._tally.retries += 1
        raise AssertionError("count() has no end")

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()

    async def _attempt(self, request: bytes, deadline: float) -> Answer:
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._endpoint, deadline)
        return await self._connection.exchange(request, deadline)


class GaveUpError(Exception):
    """A request got no final answer in its time; says what came in its stead."""


class StaleConnectionError(ConnectionError):
    """A connection that had worked before was closed before a byte of the answer came."""


class MalformedAnswerError(Exception):
    """What came back is no HTTP."""


def backoff_seconds(attempt: int) -> float:
    """Returns how long to pause after the `attempt`-th failure from 0: exponential, full jitter."""
    first, longest = BACKOFF_SECONDS
    return random.uniform(0, min(longest, first * 2 ** min(attempt, 16)))


def kind_of(error: Exception) -> str:
    """Names what went wrong in words that are the same for the same trouble."""
    match error:
        case TimeoutError():
            return "timed out"
        case ConnectionRefusedError():
            return "connection refused"
        case StaleConnectionError():
            return "connection closed without an answer"
        case ConnectionError():
            return "connection broken"
        case OSError(errno=int(number)) if not isinstance(error, ssl.SSLError):
            return os.strerror(number).lower()
        case _:
            return str(error)


async def connect(endpoint: Endpoint, deadline: float) -> Connection:
    """Opens a connection; raises OSError."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout_at(deadline):
        _, connection = await loop.create_connection(
            Connection, endpoint.host, endpoint.port, ssl=endpoint.tls or None
        )
    return connection


class Connection(asyncio.Protocol):
    """A keep-alive connection that carries one request at a time."""

    def __init__(self) -> None:
        """Is made by the event loop."""
        self.closed = False
        self._answered = False
        self._received = b""
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[Answer] | None = None

    async def exchange(self, request: bytes, deadline: float) -> Answer:
        """Sends a request and returns its answer; raises OSError or MalformedAnswerError."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_at(deadline, self._fail, TimeoutError())
        self._transport.write(request)
        try:
            return await self._waiter
        except BaseException:
            self.close()  # what still comes must not be taken for the next request's answer
            raise
        finally:
            timer.cancel()
            self._waiter = None

    def close(self) -> None:
        """Closes it; what is under way fails."""
        self.closed = True
        self._transport.abort()  # there is nothing to say that could still be of use

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._received += data
        self._take_answer(at_eof=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop, once."""
        self.closed = True
        self._take_answer(at_eof=True)
        untouched = self._answered and not self._received
        self._fail(StaleConnectionError() if untouched else exc or ConnectionResetError())

    def _take_answer(self, *, at_eof: bool) -> None:
        if self._waiter is None or self._waiter.done():
            if self._received:
                self.close()  # nobody asked: whatever it says, the service is about to hang up
            return
        try:
            parsed = parse_answer(self._received, at_eof=at_eof)
        except MalformedAnswerError as error:
            self._fail(error)
            return
        if parsed is not None:
            answer, keeps_alive = parsed
            self._received, self._answered = b"", True
            if not keeps_alive:
                self.close()
            self._waiter.set_result(answer)

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    head: bytes  # status line and headers in lower case, without the empty line
    body: bytes

    @property
    def asks_to_repeat(self) -> bool:
        """Whether the same request may get another answer later.

        409 with Retry-After is said of a request whose key is still at work; 502 and 504 come from
        a gateway, and leave open whether the service has seen the request.
        """
        if self.status == 409:
            return find_header(self.head, b"retry-after") is not None
        return self.status in (429, 502, 503, 504)

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

    def retry_after_seconds(self) -> float:
        """Returns how long the service asks to wait; 0 if it does not say."""
        value = (find_header(self.head, b"retry-after") or b"").decode("latin-1")
        if value.isdecimal():
            return float(value)
        with suppress(ValueError):
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
        return 0.0


def parse_answer(received: bytes, *, at_eof: bool) -> tuple[Answer, bool] | None:
    """Returns an answer and whether its connection stays open; None while bytes are missing."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        if len(received) > MAX_HEAD_BYTES:
            raise MalformedAnswerError("malformed answer: endless head")
        return None
    head = received[:end].lower()
    if not head.startswith(b"http/1.") or not head[9:12].isdigit():
        raise MalformedAnswerError("malformed answer: no HTTP/1 status line")
    status = int(head[9:12])
    if status < 200:  # 100 Continue and its like announce the answer
        return parse_answer(received[end + 4 :], at_eof=at_eof)
    found = find_body(received, end + 4, status, head, at_eof=at_eof)
    if found is None:
        return None
    body, body_end = found
    wish = find_header(head, b"connection") or b""
    stays = b"close" not in wish and (head.startswith(b"http/1.1") or b"keep-alive" in wish)
    return Answer(status, head, body), stays and body_end == len(received) and not at_eof


def find_body(
    received: bytes, start: int, status: int, head: bytes, *, at_eof: bool
) -> tuple[bytes, int] | None:
    """Returns the body and where it ends; None while bytes are missing."""
    if status in (204, 304):
        return b"", start
    if b"chunked" in (find_header(head, b"transfer-encoding") or b""):
        return join_chunks(received, start)
    length = find_header(head, b"content-length")
    if length is None:  # then it ends with the connection, which is one byte further: never kept
        return (received[start:], len(received) + 1) if at_eof else None
    if not length.isdigit():
        raise MalformedAnswerError("malformed answer: bad Content-Length")
    end = start + int(length)
    return (received[start:end], end) if len(received) >= end else None


def join_chunks(received: bytes, start: int) -> tuple[bytes, int] | None:
    """Returns the chunks from `start` on as one, and where they end; None while some is missing."""
    chunks: list[bytes] = []
    while (line_end := received.find(b"\r\n", start)) >= 0:
        try:
            size = int(received[start:line_end].partition(b";")[0], 16)
        except ValueError:
            raise MalformedAnswerError("malformed answer: bad chunk size") from None
        if size == 0:  # trailers, if any, then an empty line
            end = received.find(b"\r\n\r\n", line_end)
            return None if end < 0 else (b"".join(chunks), end + 4)
        start = line_end + 2 + size + 2
        if len(received) < start:
            return None
        chunks.append(received[line_end + 2 : start - 2])
    return None


def find_header(head: bytes, name: bytes) -> bytes | None:
    """Returns a header's value from a head in lower case."""
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : None if end < 0 else end].strip()


def loop_factory(options: Options) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns what makes the event loop: one that is punctual if there is a rate to keep."""
    if options.rate is None or sys.platform != "linux":
        return None
    return lambda: asyncio.SelectorEventLoop(PunctualSelector())


class PunctualSelector(selectors.DefaultSelector):
    """Wakes to the microsecond, on Linux.

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


# ---------------------------------------------------------------------------------------------
# Figures
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """A run in figures: what every report shows."""

    options: Options
    user_id: str
    started_at: datetime
    elapsed_seconds: float
    interrupted: bool
    sent: int
    accepted: int
    refused: int
    given_up: int
    requests: int  # answered, whatever the answer
    statuses: dict[int, int]
    errors: dict[str, int]  # failed attempts by kind
    retries: int
    reading_errors: dict[str, int]  # the same, while waiting
    latency: Spread | None
    buckets: list[Bucket]
    moments: list[Moment]
    proof: Proof | None
    unproven: str
    waiting: Spread | None  # from created to begun, of the orders
    end_to_end: Spread | None  # from created to ended, of the orders
    completed_rate: float | None  # orders a second, from the first created to the last completed
    verdicts: list[Verdict]

    @property
    def request_rate(self) -> float:
        """Requests answered a second."""
        return self.requests / self.elapsed_seconds if self.elapsed_seconds else 0.0

    @property
    def accepted_rate(self) -> float:
        """Orders accepted a second."""
        return self.accepted / self.elapsed_seconds if self.elapsed_seconds else 0.0

    @property
    def proven(self) -> bool:
        """Whether every order sent was accepted and, if that was asked, read back completed."""
        if self.accepted < self.sent or self.sent == 0:
            return False
        if not self.options.wait:
            return True
        return self.proof is not None and (
            self.proof.completed == self.accepted and self.proof.lost + self.proof.duplicated == 0
        )

    @property
    def exit_status(self) -> int:
        """The command's."""
        if self.interrupted:
            return 130
        return 0 if self.proven and all(verdict.held for verdict in self.verdicts) else 1


def conclude(run: Run) -> Result:
    """Works out the figures."""
    latency = Spread.of(run.latencies)
    ended = [row for row in run.rows if row.ended]
    created = [row.created_at for row in ended if row.created_at is not None]
    completed = [
        row.completed_at
        for row in ended
        if row.completed_at is not None and row.status == "COMPLETED"
    ]
    working = max(completed) - min(created) if created and completed else 0.0
    result = Result(
        options=run.options,
        user_id=run.user_id,
        started_at=run.started_at,
        elapsed_seconds=run.elapsed_seconds,
        interrupted=run.interrupted,
        sent=run.sent,
        accepted=run.accepted,
        refused=run.refused,
        given_up=run.given_up,
        requests=run.placing.statuses.total(),
        statuses=dict(sorted(run.placing.statuses.items())),
        errors=dict(run.placing.errors.most_common()),
        retries=run.placing.retries,
        reading_errors=dict(run.reading.errors.most_common()),
        latency=latency,
        buckets=histogram(run.latencies, latency),
        # The service's clock may differ from ours: its first order is taken for our start.
        moments=moments(run, [at - min(created) for at in completed] if created else []),
        proof=run.proof,
        unproven="" if run.proof else why_unproven(run),
        waiting=Spread.of([s for row in ended if (s := row.waiting_seconds) is not None]),
        end_to_end=Spread.of([s for row in ended if (s := row.end_to_end_seconds) is not None]),
        completed_rate=len(completed) / working if working > 0 else None,
        verdicts=[],
    )  # fmt: skip
    result.verdicts.extend(wanted.judge(result) for wanted in run.options.thresholds)
    return result


def why_unproven(run: Run) -> str:
    """Says why the run has no proof."""
    if run.interrupted:
        return f"interrupted, {run.ended} at their end so far" if run.waiting else "interrupted"
    return run.unproven if run.options.wait else "--no-wait"


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
        """Measures them; None if there are none."""
        if not seconds:
            return None
        ranked = sorted(seconds)
        return cls(
            min=ranked[0],
            mean=math.fsum(ranked) / len(ranked),
            p50=percentile(ranked, 50),
            p90=percentile(ranked, 90),
            p95=percentile(ranked, 95),
            p99=percentile(ranked, 99),
            max=ranked[-1],
        )


def percentile(ranked: Sequence[float], percent: int) -> float:
    """Returns the nearest-rank percentile of values in ascending order."""
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


class Bucket(NamedTuple):
    """How many requests took at most `up_to` seconds, and longer than the bucket before."""

    up_to: float
    requests: int


def histogram(seconds: Sequence[float], spread: Spread | None) -> list[Bucket]:
    """Returns ten buckets of one width up to the 99th percentile, and one for what lies beyond."""
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
    p50: float | None  # latency in seconds of the requests answered in it; None if none was
    p95: float | None
    p99: float | None


def moments(run: Run, completed: Sequence[float]) -> list[Moment]:
    """Cuts the run into at most 60 steps; `completed` are seconds since the start."""
    span = max(itertools.chain(run.answered, completed), default=0.0)
    if span <= 0:
        return []
    step = round_up(span / 60)
    count = math.ceil(span / step)
    latencies: list[list[float]] = [[] for _ in range(count)]
    accepted, ended = [0] * count, [0] * count
    for at, seconds, size in zip(run.answered, run.latencies, run.sizes, strict=True):
        index = min(int(at / step), count - 1)
        latencies[index].append(seconds)
        accepted[index] += size
    for at in completed:
        ended[min(int(at / step), count - 1)] += 1
    spreads = map(Spread.of, latencies)
    return [
        Moment((index + 0.5) * step, accepted[index] / step, ended[index] / step,
               *((s.p50, s.p95, s.p99) if s else (None, None, None)))
        for index, s in enumerate(spreads)
    ]  # fmt: skip


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
    "rate": {"": 1.0, "/s": 1.0},
    "errors": {"": 1.0, "%": 0.01},
}


@dataclass(frozen=True)
class Threshold:
    """A condition on one figure: a latency in seconds, accepted orders a second, or errors.

    Errors are orders that were not accepted: with % their share of those sent, else their number.
    """

    text: str
    figure: str
    comparison: str
    unit: str
    limit: float

    def judge(self, result: Result) -> Verdict:
        """Returns whether it holds; of figures that were not measured nothing does."""
        value = self._measure(result)
        held = value is not None and COMPARISONS[self.comparison](value, self.limit)
        return Verdict(self.text, self._show(value), value, bool(held))

    def _measure(self, result: Result) -> float | None:
        if self.figure == "rate":
            return result.accepted_rate
        if self.figure == "errors":
            errors = result.refused + result.given_up
            return errors if self.unit == "" else errors / max(result.sent, 1)
        return None if result.latency is None else float(getattr(result.latency, self.figure))

    def _show(self, value: float | None) -> str:
        if value is None:
            return "not measured"
        if self.figure == "rate":
            return f"{value:,.1f}/s"
        if self.figure == "errors":
            return f"{value:.2%}" if self.unit else f"{value:.0f}"
        return show_seconds(value)


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
    if found is None or found[1] not in THRESHOLD_UNITS:
        figures = ", ".join(THRESHOLD_UNITS)
        raise argparse.ArgumentTypeError(
            f"{text!r} is not of the form 'p95<200ms'; figures are {figures}"
        )
    figure, comparison, number, unit = found.groups()
    units = THRESHOLD_UNITS[figure]
    if unit not in units:
        wanted = " or ".join(name or "none" for name in units)
        raise argparse.ArgumentTypeError(f"{text!r}: the unit of {figure} is {wanted}")
    return Threshold(text, figure, comparison, unit, float(number) * units[unit])


def show_seconds(seconds: float) -> str:
    """Writes a duration with three digits that matter."""
    value, unit = (seconds, "s") if seconds >= 0.9995 else (seconds * 1000, "ms")
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


# ---------------------------------------------------------------------------------------------
# The report as text
# ---------------------------------------------------------------------------------------------


class TextReport:
    """The report for a terminal; in colour if it is one."""

    def __init__(self, result: Result, stream: Any) -> None:
        """Looks at what the stream can show."""
        self._result = result
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ
        encoding = getattr(stream, "encoding", None) or "ascii"
        self._bar, self._yes, self._no = ("■", "✓", "✗") if shows("■✓✗", encoding) else "#+x"

    def render(self) -> str:
        """Returns the whole report."""
        sections = (
            self._summary(), self._latency(), self._histogram(), self._statuses(), self._errors(),
            self._orders(), self._thresholds(), self._verdict(),
        )  # fmt: skip
        return "\n" + "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"

    def _summary(self) -> list[str]:
        lines = [self._title("Summary")]
        return lines + [f"  {name:<14}{value}" for name, value in summary_of(self._result)]

    def _latency(self) -> list[str]:
        if self._result.latency is None:
            return []
        return [self._title("Latency"), *spread_table({"request": self._result.latency})]

    def _histogram(self) -> list[str]:
        if not self._result.buckets:
            return []
        most = max(bucket.requests for bucket in self._result.buckets)
        digits = len(f"{most:,}")
        return [self._title("Histogram")] + [
            f"  {show_seconds(bucket.up_to):>9}  {bucket.requests:>{digits},}  "
            + self._paint(36, self._bar * math.ceil(bucket.requests / most * 40))
            for bucket in self._result.buckets
        ]

    def _statuses(self) -> list[str]:
        counts = self._result.statuses
        if not counts:
            return []
        return [self._title("Status codes")] + [
            f"  {self._paint(32 if status < 300 else 33, str(status))}  {count:,}"
            for status, count in counts.items()
        ]

    def _errors(self) -> list[str]:
        result = self._result
        kinds = [*result.errors.items()]
        kinds += [(f"{kind} (while waiting)", n) for kind, n in result.reading_errors.items()]
        if not kinds:
            return [self._title("Errors"), "  none"]
        return [self._title("Errors")] + [
            f"  {self._paint(33, f'{count:>7,}')}  {kind}" for kind, count in kinds
        ]

    def _orders(self) -> list[str]:
        rows = spreads_of_orders(self._result)
        if not rows:
            return []
        lines = [self._title("Orders"), *spread_table(rows)]
        if (rate := self._result.completed_rate) is not None:
            lines.append(f"  {rate:,.1f} orders/s from the first created to the last completed")
        return lines

    def _thresholds(self) -> list[str]:
        if not self._result.verdicts:
            return []
        return [self._title("Thresholds")] + [
            f"  {self._mark(held=verdict.held)} {verdict.text}  ({verdict.shown})"
            for verdict in self._result.verdicts
        ]

    def _verdict(self) -> list[str]:
        first, *others = proof_lines(self._result)
        first = self._paint(1, first)
        return [
            f"{self._mark(held=self._result.proven)} {first}",
            *(f"  {line}" for line in others),
        ]

    def _title(self, text: str) -> str:
        return self._paint(1, text)

    def _mark(self, *, held: bool) -> str:
        return self._paint(32, self._yes) if held else self._paint(31, self._no)

    def _paint(self, code: int, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text


def shows(text: str, encoding: str) -> bool:
    """Tells whether text can be written in an encoding."""
    try:
        text.encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def summary_of(result: Result) -> list[tuple[str, str]]:
    """Returns names and values of the totals."""
    share = result.accepted / result.sent if result.sent else 0.0
    rows = [
        ("Orders", f"{result.accepted:,} accepted of {result.sent:,} sent ({share:.2%})"),
        ("Took", show_seconds(result.elapsed_seconds)),
        ("Requests/s", f"{result.request_rate:,.1f}"),
    ]
    if result.options.batch_size is not None:
        rows.append(("Orders/s", f"{result.accepted_rate:,.1f}"))
    if result.options.rate is not None:
        rows.append(("Offered", f"{result.options.rate:,.1f} orders/s"))
    in_flight = result.sent - result.accepted - result.refused - result.given_up
    counts = {
        "Refused": result.refused, "Given up": result.given_up, "Retries": result.retries,
        "In flight": in_flight,
    }  # fmt: skip
    rows += [(name, f"{count:,}") for name, count in counts.items() if count]
    rows.append(("User", result.user_id))
    return rows


def spreads_of_orders(result: Result) -> dict[str, Spread]:
    """Returns what was measured of the orders themselves."""
    rows = {"waiting": result.waiting, "end to end": result.end_to_end}
    return {name: spread for name, spread in rows.items() if spread is not None}


def spread_table(rows: dict[str, Spread]) -> list[str]:
    """Returns lines of a table, a row for each spread."""
    names = list(asdict(next(iter(rows.values()))))
    lines = ["  " + " " * 10 + "".join(f"{name:>10}" for name in names)]
    for title, spread in rows.items():
        cells = "".join(f"{show_seconds(value):>10}" for value in asdict(spread).values())
        lines.append(f"  {title:<10}{cells}")
    return lines


def proof_lines(result: Result) -> list[str]:
    """Returns the sentence everything is about, and what must be added to it."""
    proof = result.proof
    if proof is None:
        return [f"accepted {result.accepted}, not followed to their end ({result.unproven})"]
    first = (
        f"accepted {proof.accepted}, completed {proof.completed}, "
        f"lost {proof.lost}, duplicated {proof.duplicated}"
    )
    lines = [first]
    if result.accepted < result.sent:
        lines.append(f"not accepted {result.sent - result.accepted}")
    timeout = f"{result.options.timeout_seconds:g} s"
    remarks = {
        "failed": (proof.failed, ""),
        "cancelled": (proof.cancelled, ""),
        "unfinished": (proof.unfinished, f": none of them moved for {timeout}"),
        "unacknowledged": (proof.unacknowledged, ": made though their request got no answer"),
    }
    lines += [f"{name} {count}{why}" for name, (count, why) in remarks.items() if count]
    return lines + [f"  {order_id}: {why}" for order_id, why in proof.examples.items()]


# ---------------------------------------------------------------------------------------------
# The report as files
# ---------------------------------------------------------------------------------------------


def write_files(result: Result) -> int:
    """Writes the reports asked for; returns 1 if one could not be written."""
    try:
        if result.options.json_path is not None:
            text = json.dumps(as_document(result), indent=2) + "\n"
            result.options.json_path.write_text(text, "utf-8")
        if result.options.html_path is not None:
            result.options.html_path.write_text(render_html(result), "utf-8")
    except OSError as error:
        print(f"cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def as_document(result: Result) -> dict[str, Any]:
    """Returns the report for programs; durations are seconds, rates are per second."""
    options = result.options
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
        "user_id": result.user_id,
        "started_at": result.started_at.isoformat().replace("+00:00", "Z"),
        "duration": result.elapsed_seconds,
        "interrupted": result.interrupted,
        "requests": {
            "answered": result.requests,
            "rate": result.request_rate,
            "retries": result.retries,
            "statuses": {str(status): count for status, count in result.statuses.items()},
            "errors": result.errors,
            "errors_while_waiting": result.reading_errors,
            "latency": result.latency and asdict(result.latency),
            "histogram": [bucket._asdict() for bucket in result.buckets],
        },
        "orders": {
            "sent": result.sent,
            "accepted": result.accepted,
            "refused": result.refused,
            "given_up": result.given_up,
            "accepted_rate": result.accepted_rate,
            "completed_rate": result.completed_rate,
            "waiting": result.waiting and asdict(result.waiting),
            "end_to_end": result.end_to_end and asdict(result.end_to_end),
        },
        "proof": result.proof and asdict(result.proof),
        "unproven": result.unproven,
        "thresholds": [verdict._asdict() for verdict in result.verdicts],
        "over_time": [asdict(moment) for moment in result.moments],
        "exit_status": result.exit_status,
    }


def render_html(result: Result) -> str:
    """Returns the report as one page that needs nothing else."""
    word, tone = ("passed", "good") if result.exit_status == 0 else ("failed", "bad")
    if result.interrupted:
        word, tone = "interrupted", "bad"
    first, *others = proof_lines(result)
    where, when = result.options.endpoint.url, f"{result.started_at:%Y-%m-%d %H:%M:%S} UTC"
    parts = [
        f"<h1>Load report <span class={tone}>{word}</span></h1>",
        f"<p class=quiet>{escape(where)}, {when}</p>",
        f"<p class=proof>{escape(first)}</p>",
        "".join(f"<p class=quiet>{escape(line)}</p>" for line in others),
        html_tiles(result),
        *html_charts(result),
        *html_tables(result),
    ]
    return PAGE % {"style": STYLE, "body": "\n".join(parts)}


def html_tiles(result: Result) -> str:
    """Returns the figures one looks at first."""
    tiles = [
        ("Requests/s", f"{result.request_rate:,.0f}"),
        ("Accepted/s", f"{result.accepted_rate:,.0f}"),
        ("p50", show_seconds(result.latency.p50) if result.latency else "-"),
        ("p99", show_seconds(result.latency.p99) if result.latency else "-"),
        ("Not accepted", f"{result.sent - result.accepted:,}"),
    ]
    if result.completed_rate is not None:
        tiles.insert(2, ("Completed/s", f"{result.completed_rate:,.0f}"))
    cells = (f"<div><b>{escape(value)}</b>{escape(name)}</div>" for name, value in tiles)
    return f"<div class=tiles>{''.join(cells)}</div>"


def html_charts(result: Result) -> list[str]:
    """Returns latency over time, its histogram, and the throughput."""
    at = [moment.at_seconds for moment in result.moments]
    charts = []
    if at:
        latency = {
            "p50": [moment.p50 for moment in result.moments],
            "p95": [moment.p95 for moment in result.moments],
            "p99": [moment.p99 for moment in result.moments],
        }
        charts.append(line_chart("Latency over time", at, latency, show_seconds))
    if result.buckets:
        charts.append(bar_chart("Latency histogram", result.buckets))
    if at:
        rates: dict[str, list[float | None]] = {
            "accepted": [moment.accepted_rate for moment in result.moments],
        }
        if result.proof is not None:
            rates["completed"] = [moment.completed_rate for moment in result.moments]
        charts.append(line_chart("Throughput", at, rates, lambda value: f"{value:,.0f}/s"))
    return charts


def html_tables(result: Result) -> list[str]:
    """Returns everything else."""
    spreads = {"request": result.latency} if result.latency else {}
    spreads |= spreads_of_orders(result)
    tables = [html_table("Summary", [], summary_of(result))]
    if spreads:
        heads = ["", *asdict(next(iter(spreads.values())))]
        rows = [(name, *map(show_seconds, asdict(s).values())) for name, s in spreads.items()]
        tables.append(html_table("Latency", heads, rows))
    statuses = [(str(status), f"{count:,}") for status, count in result.statuses.items()]
    errors = [(kind, f"{count:,}") for kind, count in result.errors.items()]
    errors += [(f"{kind} (while waiting)", f"{n:,}") for kind, n in result.reading_errors.items()]
    held = [(v.text, v.shown, "held" if v.held else "missed") for v in result.verdicts]
    tables += [html_table("Status codes", [], statuses), html_table("Errors", [], errors)]
    return [*tables, html_table("Thresholds", [], held)]


def html_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table; nothing if it has no rows."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(cell)}" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return f"<h2>{escape(title)}</h2><table>{f'<tr>{head}' if heads else ''}{body}</table>"


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
    marks = [x_label(f"{end * part / 4:.3g} s", part / 4) for part in range(5)]
    lines = []
    for index, line in enumerate(series.values()):
        points = [
            None if value is None else (x_of(at / end), scale(value))
            for at, value in zip(at_seconds, line, strict=True)
        ]
        lines.append(f'<path class=s{index} d="{svg_path(points)}"/>')
    legend = "".join(f"<span class=s{i}>{escape(name)}</span>" for i, name in enumerate(series))
    return svg_figure(title, [grid, *marks, *lines], legend)


def bar_chart(title: str, buckets: Sequence[Bucket]) -> str:
    """Returns a bar for each bucket, labelled with its upper bound."""
    grid, scale = y_axis(max(bucket.requests for bucket in buckets), lambda value: f"{value:,.0f}")
    width = (PLOT_RIGHT - PLOT_LEFT) / len(buckets)
    bars = []
    for index, (up_to, requests) in enumerate(buckets):
        left, top = PLOT_LEFT + index * width, scale(requests)
        shape = (
            f'x="{left + 2:.1f}" y="{top:.1f}" width="{width - 4:.1f}" '
            f'height="{PLOT_BOTTOM - top:.1f}"'
        )
        hint = f"{requests:,} requests, at most {show_seconds(up_to)}"
        bars.append(f"<rect class=s0 {shape}><title>{escape(hint)}</title></rect>")
        bars.append(x_label(show_seconds(up_to), (index + 0.5) / len(buckets)))
    return svg_figure(title, [grid, *bars], "")


def svg_figure(title: str, parts: Sequence[str], legend: str) -> str:
    """Returns a chart with its heading."""
    view = f"0 0 {CHART_WIDTH} {CHART_HEIGHT}"
    image = f'<svg viewBox="{view}" role=img aria-label="{escape(title)}">{"".join(parts)}</svg>'
    return f"<h2>{escape(title)} <small>{legend}</small></h2>{image}"


def y_axis(top: float, show: Callable[[float], str]) -> tuple[str, Callable[[float], float]]:
    """Returns grid lines with labels up to at least `top`, and the scale that goes with them."""
    step = round_up(top / 4) if top > 0 else 1.0
    steps = max(1, math.ceil(top / step - 1e-9))

    def scale(value: float) -> float:
        return PLOT_BOTTOM - value / (step * steps) * (PLOT_BOTTOM - PLOT_TOP)

    lines = [
        f'<line x1="{PLOT_LEFT}" x2="{PLOT_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text class=y x="{PLOT_LEFT - 8}" y="{y + 4:.1f}">{escape(show(step * index))}</text>'
        for index in range(steps + 1)
        for y in [scale(step * index)]
    ]
    return "".join(lines), scale


def x_label(text: str, share: float) -> str:
    """Returns a label below the plot, at a share of its width."""
    return f'<text class=x x="{x_of(share):.1f}" y="{PLOT_BOTTOM + 20}">{escape(text)}</text>'


def x_of(share: float) -> float:
    """Returns where a share of the plot's width lies."""
    return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)


def svg_path(points: Sequence[tuple[float, float] | None]) -> str:
    """Returns the path through the points; it starts anew after a None."""
    pen_down = False
    commands = []
    for point in points:
        if point is not None:
            commands.append(f"{'L' if pen_down else 'M'}{point[0]:.1f} {point[1]:.1f}")
        pen_down = point is not None
    if len(commands) == 1:  # a lone point would not be seen
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
.quiet { color: var(--quiet); margin: 0 } .proof { font-size: 1.15rem; font-weight: 600 }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem;
  margin-top: 1rem }
.tiles div { background: var(--card); border-radius: .5rem; padding: .7rem .9rem;
  color: var(--quiet) }
.tiles b { display: block; font-size: 1.35rem; color: var(--ink) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--rule);
  font-weight: normal }
td:first-child { text-align: left } th { color: var(--quiet) }
svg { width: 100%; height: auto; display: block }
svg line { stroke: var(--rule) } svg text { fill: var(--quiet); font-size: 12px }
svg .x { text-anchor: middle } svg .y { text-anchor: end }
svg path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }
path.s0 { stroke: var(--s0) } path.s1 { stroke: var(--s1) } path.s2 { stroke: var(--s2) }
rect.s0 { fill: var(--s0) }
small span { font-weight: normal; margin-left: .8rem }
small .s0 { color: var(--s0) } small .s1 { color: var(--s1) } small .s2 { color: var(--s2) }
"""


# ---------------------------------------------------------------------------------------------
# Progress
# ---------------------------------------------------------------------------------------------


class Progress(NamedTuple):
    """How far the run is."""

    phase: str
    orders: int
    verb: str  # what the orders were
    done: float
    total: float  # of `done`: orders, or seconds where time decides
    errors: int


class Display(Protocol):
    """Shows progress."""

    interval_seconds: float

    def show(self, progress: Progress) -> None:
        """Shows how far the run is."""

    def close(self) -> None:
        """Leaves the terminal as it was."""


def open_display() -> Display:
    """Returns the best there is: a bar on a terminal with rich installed, else plain lines."""
    if sys.stderr.isatty():
        with suppress(ImportError):
            return BarDisplay()
    return LineDisplay()


class LineDisplay:
    """A line on standard error every other second."""

    interval_seconds = 2.0

    def __init__(self) -> None:
        """Shows nothing yet."""
        self._pace = Pace()
        self._last: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Writes a line, unless it would repeat the last."""
        if progress == self._last:
            return
        self._last = progress
        rate = self._pace.rate(progress)
        share = min(1.0, progress.done / progress.total) if progress.total else 1.0
        print(
            f"{progress.phase} {share:4.0%}  {progress.orders:,} {progress.verb}  "
            f"{rate:,.0f}/s  {progress.errors:,} errors",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Has nothing to clear away."""


class BarDisplay:
    """A bar for each phase, on standard error."""

    interval_seconds = 0.1

    def __init__(self) -> None:
        """Raises ImportError where rich is not installed."""
        # Optional, and too slow to load for those who would not see it.
        from rich import progress as bars  # noqa: PLC0415
        from rich.console import Console  # noqa: PLC0415

        self._pace = Pace()
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

    def show(self, progress: Progress) -> None:
        """Moves the bar of the phase."""
        if progress.phase not in self._tasks:
            self._tasks[progress.phase] = self._bars.add_task(
                progress.phase, orders=0, verb="", rate=0.0, errors=0, tone="dim"
            )
        self._bars.update(
            self._tasks[progress.phase],
            completed=progress.done,
            total=progress.total,
            orders=progress.orders,
            verb=progress.verb,
            rate=self._pace.rate(progress),
            errors=progress.errors,
            tone="red" if progress.errors else "dim",
        )
        self._bars.refresh()

    def close(self) -> None:
        """Gives the terminal its cursor back."""
        self._bars.stop()


class Pace:
    """The rate of the last second or two."""

    def __init__(self) -> None:
        """Begins now, at no orders."""
        self._phase = ""
        self._seen = [(now(), 0)]

    def rate(self, progress: Progress) -> float:
        """Returns orders a second, of the phase that goes on."""
        if progress.phase != self._phase:
            self._phase, self._seen = progress.phase, [(self._seen[-1][0], 0)]
        self._seen.append((now(), progress.orders))
        while len(self._seen) > 2 and self._seen[1][0] < now() - 1:
            del self._seen[0]
        (then, before), (at, orders) = self._seen[0], self._seen[-1]
        return (orders - before) / (at - then) if at > then else 0.0


if __name__ == "__main__":
    sys.exit(main())
