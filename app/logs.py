"""Log lines: one pipeline for structlog and the standard library, one write for each line."""

import json
import logging
import os
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

import orjson
import structlog
from structlog.typing import EventDict

from app.settings import Settings

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered; empty outside of one. Each of its lines has it."""

_LEVELS: Final = logging.getLevelNamesMapping()
_traces: Final = logging.Formatter()
_OF_EVERY_RECORD: Final = {*vars(logging.makeLogRecord({})), "message", "asctime"}


def configure_logs(settings: Settings, *, descriptor: int = 2) -> None:
    """Write what this process logs, from `LOG_LEVEL` on, as `LOG_FORMAT` says.

    Args:
        settings: The format and the level.
        descriptor: The open file to write to; standard error by default.

    """
    level = _LEVELS[settings.log_level]
    output = _Output(descriptor)
    structlog.configure(
        processors=[_complete, _as_json if settings.log_format == "json" else _as_text],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_ToStructlog()], level=logging.WARNING, force=True)
    logging.getLogger("app").setLevel(level)


class _ToStructlog(logging.Handler):
    """Hands the records of the standard library on, with what `extra` says."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            facts = {k: v for k, v in vars(record).items() if k not in _OF_EVERY_RECORD}
            if record.exc_info:
                facts["exception"] = _traces.formatException(record.exc_info)
            structlog.get_logger().log(
                record.levelno, record.getMessage(), logger=record.name, **facts
            )
        except Exception:  # noqa: BLE001 -- a line that cannot be logged must not end what logs it
            self.handleError(record)


class _Output:
    """Writes a line at once, so that those of several threads and processes do not mix."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def msg(self, line: bytes) -> None:
        try:  # noqa: SIM105 -- `suppress` takes as long as the rest
            os.write(self._descriptor, line + b"\n")
        except OSError:  # a full disk under the log must not end requests
            pass

    debug = info = warning = error = critical = exception = msg


def _complete(_logger: object, level: str, event: EventDict) -> EventDict:
    """Begin the line with when, how severe and what; one function, since each call costs."""
    message = event.pop("event")
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    line = {"timestamp": f"{now[:26]}Z", "level": level, "event": message, **event}
    current = request_id.get()
    if current:
        line["request_id"] = current
    return line


def _as_json(_logger: object, _method: str, event: EventDict) -> bytes:
    """Return the line for programs."""
    try:
        line = orjson.dumps(event, default=repr)
        # Only outside of ASCII does it leave what some program may take for the end of a line.
        fits = line.isascii()
    except orjson.JSONEncodeError:  # half of a surrogate pair
        fits = False
    return line if fits else json.dumps(event, default=repr).encode()


def _as_text(_logger: object, _method: str, event: EventDict) -> bytes:
    """Return the line for people; only what is raised takes further lines, each indented."""
    trace = event.pop("exception", "")
    head = f"{event.pop('timestamp')} {event.pop('level').upper():8} {event.pop('event')}"
    line = _visible(head + "".join([f" {name}={value}" for name, value in event.items()]))
    lines = [line, *map(_visible, trace.split("\n"))] if trace else [line]
    return "\n  | ".join(lines).encode()


def _visible(line: str) -> str:
    """Return the line without characters that could make it look like two, or move the cursor."""
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )
