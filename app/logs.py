"""Log lines: one pipeline for structlog and the standard library."""

import json
import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import orjson
import structlog
from structlog.typing import EventDict

from app.settings import Settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of one. Each of its lines has it."""

DEFER_SECONDS: Final = 0.05
MAX_DEFERRED: Final = 10_000
"""Lines that wait; where nobody reads what is written, the oldest are dropped."""

_LEVELS: Final = logging.getLevelNamesMapping()
_traces: Final = logging.Formatter()
_OF_EVERY_RECORD: Final = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class Entry(NamedTuple):
    """What is logged, before it is a line."""

    at: float
    """Seconds since 1970."""
    level: str
    request_id: str
    facts: EventDict


def configure_logs(settings: Settings, *, descriptor: int = 2) -> "LogOutput":
    """Write what this process logs, from `LOG_LEVEL` on, as `LOG_FORMAT` says.

    Args:
        settings: The format and the level.
        descriptor: The open file to write to; standard error by default.

    Returns:
        Where the lines go.

    """
    level = _LEVELS[settings.log_level]
    output = LogOutput(descriptor, _as_json if settings.log_format == "json" else _as_text)
    structlog.configure(
        processors=[_note],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
    logging.getLogger("app").setLevel(level)
    return output


class LogOutput:
    """Writes each entry at once, or after `defer` in a thread of its own.

    A request that writes its own line gives up the interpreter's lock for it, and pays 37 us of its
    250 for the line; this way it is 5. And where whoever reads the lines stands still, only that
    thread waits for him.
    """

    def __init__(self, descriptor: int, render: Callable[[Entry], bytes]) -> None:
        self._descriptor = descriptor
        self._render = render
        self._entries: deque[Entry] = deque(maxlen=MAX_DEFERRED)
        self._writing = threading.RLock()  # what is logged while a line is made comes by here, too
        self._due = threading.Event()
        self._urgent = threading.Event()
        self._deferring = False

    def defer(self) -> None:
        """From now on leave the lines to a thread, which puts off all that is no warning."""
        self._deferring = True
        os.register_at_fork(after_in_child=self._be_a_child)
        threading.Thread(target=self._run, name="log", daemon=True).start()

    def info(self, entry: Entry) -> None:
        """Take an entry that can wait."""
        self._entries.append(entry)
        if not self._deferring:
            self.flush()
        elif not self._due.is_set():
            self._due.set()

    def warning(self, entry: Entry) -> None:
        """Have an entry written at once, and what waits before it: nothing may come after it."""
        self._entries.append(entry)
        if self._deferring:
            self._urgent.set()
            self._due.set()
        else:
            self.flush()

    debug = info
    error = critical = exception = warning

    def flush(self) -> None:
        """Write what waits."""
        with self._writing:
            waiting = [self._entries.popleft() for _ in range(len(self._entries))]
            for piece in _pieces(map(self._line, waiting)):
                try:  # noqa: SIM105 -- `suppress` takes as long as the rest
                    os.write(self._descriptor, piece)
                except OSError:  # a full disk under the log must not end requests
                    pass

    def _line(self, entry: Entry) -> bytes:
        try:
            return self._render(entry) + b"\n"
        except Exception as error:  # noqa: BLE001 -- one bad line must not take the others along
            lost = {"event": f"a line cannot be shown: {type(error).__name__}"}
            return self._render(entry._replace(facts=lost)) + b"\n"

    def _run(self) -> None:
        while self._due.wait():
            self._urgent.wait(DEFER_SECONDS)
            self._urgent.clear()
            self._due.clear()
            self.flush()

    def _be_a_child(self) -> None:
        """Begin anew in a forked process, which has neither the thread nor a use for its lines."""
        self._writing = threading.RLock()
        self._entries.clear()
        self._deferring = False


class _ToStructlog(logging.Handler):
    """Hands the records of the standard library on, with what `extra` says."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            facts = {k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD}
            if record.exc_info:
                facts["exception"] = _trace(record.exc_info)
            structlog.get_logger().log(
                record.levelno, record.getMessage(), logger=record.name, **facts
            )
        except Exception:  # noqa: BLE001 -- a line that cannot be logged must not end what logs it
            self.handleError(record)


def _trace(raised: Any) -> str:
    """Return the trace of what was raised; what a handler raises may fail when it is looked at."""
    try:
        return _traces.formatException(raised)
    except BaseException as error:  # noqa: BLE001 -- its `__getattr__` can raise anything
        return f"a trace that cannot be shown: {type(error).__name__}"


def _note(_logger: object, level: str, facts: EventDict) -> tuple[tuple[Entry], dict[str, Any]]:
    """Add when it was, and the request: what only the thread that logs knows."""
    return (Entry(time.time(), level, request_id.get(), facts),), {}


def _pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join lines as long as a pipe takes them in one piece: several processes may write into it."""
    piece = b""
    for line in lines:
        if piece and len(piece) + len(line) > select.PIPE_BUF:
            yield piece
            piece = b""
        piece += line
    if piece:
        yield piece


def _as_json(entry: Entry) -> bytes:
    """Return the line for programs."""
    head: EventDict = {"timestamp": _timestamp(entry.at), "level": entry.level, "event": ""}
    event = {**head, **entry.facts}  # which have an event of their own
    if entry.request_id:
        event["request_id"] = entry.request_id
    try:
        line = orjson.dumps(event, default=repr)
        # Only outside of ASCII does it leave what some program may take for the end of a line.
        fits = line.isascii()
    except orjson.JSONEncodeError:  # half of a surrogate pair
        fits = False
    return line if fits else json.dumps(event, default=repr).encode()


def _as_text(entry: Entry) -> bytes:
    """Return the line for people; only what is raised takes further lines, each indented."""
    facts = entry.facts
    event, trace = facts.pop("event"), facts.pop("exception", "")
    if entry.request_id:
        facts["request_id"] = entry.request_id
    head = f"{_timestamp(entry.at)} {entry.level.upper():8} {event}"
    line = _visible(head + "".join([f" {name}={value}" for name, value in facts.items()]))
    lines = [line, *map(_visible, trace.split("\n"))] if trace else [line]
    return "\n  | ".join(lines).encode()


def _timestamp(at: float) -> str:
    seconds = int(at)
    return f"{_to_the_second(seconds)}.{int((at - seconds) * 1e6):06}Z"


@lru_cache(maxsize=8)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


def _visible(line: str) -> str:
    """Return the line without characters that could make it look like two, or move the cursor."""
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )
