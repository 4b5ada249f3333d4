"""The log: one pipeline, one line for each event, nothing in it that could pass for another."""

import json
import logging
import os
import select
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import structlog

from app import create_app, logs
from app.api.documents import json_response
from app.api.envelope import Envelope
from app.api_keys import make_key
from app.logs import configure_logs, request_id
from app.orders.lifecycle import CLAIM, COMPLETE
from app.orders.moves import log_moves
from app.settings import Settings
from tests.builders import ForwardingError

FORGERY = "x\n2026-01-01T00:00:00Z ERROR forged\r\x1b[2K\x00\x85\u2028\u202e\x9b"
SECONDS = 10
StartLog = Callable[..., "Log"]


class Log:
    """What was logged since `configure_logs`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def text(self) -> str:
        return self._path.read_bytes().decode()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def start_log(tmp_path: Path) -> Iterator[StartLog]:
    """Log into a file, `settings` as they are named there; all is as before after the test."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    root, ours = logging.getLogger(), logging.getLogger("app")
    before = root.handlers[:], root.level, ours.level

    def start(**settings: object) -> Log:
        configure_logs(Settings(**settings), descriptor=descriptor)
        return Log(path)

    yield start
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    structlog.reset_defaults()
    os.close(descriptor)


# --- the pipeline --------------------------------------------------------------------------------


def test_a_line_for_programs_says_when_how_severe_and_what(start_log: StartLog) -> None:
    log = start_log(log_format="json")
    logging.getLogger("app.x").warning("order %s is late", "A-1", extra={"action": "warn"})
    structlog.get_logger().error("gone", seconds=1.5)
    first, second = log.events
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert first["timestamp"].endswith("Z")
    assert first | {"timestamp": ""} == {
        "timestamp": "",
        "level": "warning",
        "event": "order A-1 is late",
        "logger": "app.x",
        "action": "warn",
    }
    assert (second["level"], second["event"], second["seconds"]) == ("error", "gone", 1.5)


def test_a_line_for_people_says_the_same(start_log: StartLog) -> None:
    log = start_log()
    logging.getLogger("app.x").warning("order %s is late", "A-1")
    (line,) = log.text.splitlines()
    assert line.partition(" ")[2] == "WARNING  order A-1 is late logger=app.x"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_text_can_look_like_a_line_of_its_own(start_log: StartLog, log_format: str) -> None:
    log = start_log(log_format=log_format)
    logging.getLogger("app").error("it is %s", FORGERY, extra={"fact": FORGERY})
    assert len(log.text.splitlines()) == 1  # which also splits where only some programs do
    assert log.text.count("forged") == 2
    assert not set(log.text[:-1]) & set("\n\r\x1b\x00\x85\u2028\u202e\x9b")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_exception_cannot_either(start_log: StartLog, log_format: str) -> None:
    log = start_log(log_format=log_format)
    logging.getLogger("app").error("failed", exc_info=ValueError(FORGERY))
    first, *others = log.text.splitlines()
    assert "failed" in first
    assert all(line.startswith("  | ") for line in others)
    assert not set(log.text) & set("\r\x1b\x00\x85\u2028\u202e\x9b")
    if log_format == "json":
        assert others == []
        assert "ValueError" in log.events[0]["exception"]


def test_an_exception_that_fails_when_it_is_looked_at_is_logged_without_its_trace(
    start_log: StartLog,
) -> None:
    log = start_log(log_format="json")
    logging.getLogger("app").error("failed", exc_info=ForwardingError())
    (event,) = log.events
    assert event["event"] == "failed"
    assert event["exception"] == "a trace that cannot be shown: KeyError"


def test_what_is_no_json_and_no_text_is_logged_as_it_looks(start_log: StartLog) -> None:
    log = start_log(log_format="json")
    structlog.get_logger().info("odd", thing={1}, half="\udcff", number=float("nan"))
    assert log.text.count("\n") == 1
    assert "odd" in log.text


def test_less_severe_lines_than_asked_for_are_not_written(start_log: StartLog) -> None:
    log = start_log(log_level="WARNING", log_format="json")
    for logger in (logging.getLogger("app.x"), structlog.get_logger()):
        logger.info("no")
        logger.warning("yes")
    logging.getLogger("elsewhere").info("no")
    assert [event["event"] for event in log.events] == ["yes", "yes"]


def test_lines_of_several_threads_do_not_mix(start_log: StartLog) -> None:
    log = start_log(log_format="json")
    info, warning = structlog.get_logger().info, logging.getLogger("app").warning

    def write(number: int) -> None:
        info("from structlog", number=number, padding="x" * (number % 900))
        warning("from logging", extra={"number": number})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(500)))
    assert len(log.events) == 1000
    assert {event["number"] for event in log.events} == set(range(500))


def test_a_line_that_cannot_be_written_ends_nothing(tmp_path: Path, start_log: StartLog) -> None:
    start_log()
    configure_logs(Settings(), descriptor=os.open("/dev/full", os.O_WRONLY))
    structlog.get_logger().info("lost")
    logging.getLogger("app").error("lost")


def test_what_logs_while_it_is_logged_blocks_nothing(start_log: StartLog) -> None:
    class Talkative:
        def __repr__(self) -> str:
            logging.getLogger("app").error("inner")
            return "talkative"

    log = start_log(log_format="json")
    done = threading.Thread(
        target=lambda: logging.getLogger("app").error("outer", extra={"thing": Talkative()}),
        daemon=True,
    )
    done.start()
    done.join(SECONDS)
    assert not done.is_alive()
    assert {event["event"] for event in log.events} == {"inner", "outer"}


# --- lines that wait ---


@pytest.fixture
def read_end(tmp_path: Path, start_log: StartLog) -> Iterator[int]:
    """The other end of a pipe into which lines are written later."""
    start_log()
    read_end, write_end = os.pipe()
    configure_logs(Settings(log_format="json"), descriptor=write_end).defer()
    yield read_end
    os.close(read_end)
    os.close(write_end)


def event_names(piece: bytes) -> list[str]:
    return [json.loads(line)["event"] for line in piece.splitlines()]


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The pause before lines are written, which is endless; it ends when this is set."""
    monkeypatch.setattr(logs, "DEFER_SECONDS", threading.TIMEOUT_MAX)
    urgent: threading.Event = structlog.get_config()["logger_factory"]()._urgent
    yield urgent
    urgent.set()


def test_lines_that_can_wait_are_written_together(read_end: int, pause: threading.Event) -> None:
    for number in range(3):
        structlog.get_logger().info(f"line {number}")
    pause.set()
    assert event_names(os.read(read_end, 65536)) == ["line 0", "line 1", "line 2"]


def test_a_warning_is_written_at_once_and_in_its_order(
    read_end: int, pause: threading.Event
) -> None:
    structlog.get_logger().info("before")
    logging.getLogger("app").warning("it")
    assert event_names(os.read(read_end, 65536)) == ["before", "it"]


def test_nobody_who_logs_waits_for_whoever_reads(read_end: int) -> None:
    lines = 1000  # far more than a pipe holds

    def log() -> None:
        for _ in range(lines):
            logging.getLogger("app").error("x" * 1000)

    logging_thread = threading.Thread(target=log, daemon=True)
    logging_thread.start()
    logging_thread.join(SECONDS)
    assert not logging_thread.is_alive()
    while lines:  # once he reads again, they are all there
        lines -= os.read(read_end, 65536).count(b"\n")


def test_a_forked_process_writes_its_own_lines_only_and_at_once(
    read_end: int, pause: threading.Event
) -> None:
    structlog.get_logger().info("the parent's")
    child = os.fork()
    if not child:
        structlog.get_logger().info("the child's")
        os._exit(0)
    os.waitpid(child, 0)
    os.set_blocking(read_end, False)
    assert event_names(os.read(read_end, 65536)) == ["the child's"]
    pause.set()
    os.set_blocking(read_end, True)
    assert event_names(os.read(read_end, 65536)) == ["the parent's"]


def test_a_line_that_cannot_be_shown_takes_no_other_along(
    read_end: int, pause: threading.Event
) -> None:
    class Unspeakable:
        def __repr__(self) -> str:
            raise ValueError

    structlog.get_logger().info("good")
    structlog.get_logger().info("bad", thing=Unspeakable())
    structlog.get_logger().info("good too")
    pause.set()
    names = event_names(os.read(read_end, 65536))
    assert names == ["good", "a line cannot be shown: ValueError", "good too"]


def test_a_line_that_waits_says_when_it_was_logged(
    read_end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs.time, "time", lambda: 0.5)
    token = request_id.set("r-1")
    structlog.get_logger().info("long ago")
    request_id.reset(token)
    line = json.loads(os.read(read_end, 65536))
    assert line["timestamp"] == "1970-01-01T00:00:00.500000Z"
    assert line["request_id"] == "r-1"


def test_no_piece_is_longer_than_what_a_pipe_takes_at_once() -> None:
    lines = [b"x" * 100] * 100
    pieces = list(logs._pieces(iter([*lines, b"y" * 5000, *lines])))
    assert b"".join(pieces) == b"".join([*lines, b"y" * 5000, *lines])
    assert all(len(piece) <= select.PIPE_BUF or piece == b"y" * 5000 for piece in pieces)
    assert len(pieces) == 7


def test_where_nobody_reads_the_oldest_lines_are_dropped(
    read_end: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = logs.LogOutput(read_end, logs._as_json)
    monkeypatch.setattr(output, "_deferring", True)
    for number in range(logs.MAX_DEFERRED + 5):
        output.info(logs.Entry(0, "info", "", {"event": number}))
    assert len(output._entries) == logs.MAX_DEFERRED
    assert output._entries[0].facts == {"event": 5}


# --- requests ------------------------------------------------------------------------------------


def client_of(tmp_path: Path, **settings: object) -> Any:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db", **settings))

    def view(**_: object) -> Any:
        logging.getLogger("app").warning("in the view")
        return json_response({})

    app.view_functions["orders.get_order"] = view
    return app.test_client()


def test_a_request_is_one_line_and_its_id_is_in_each_of_its_lines(
    tmp_path: Path, start_log: StartLog
) -> None:
    log = start_log(log_format="json")
    client_of(tmp_path).get("/orders/A-1?x=y", headers={"X-Request-Id": "r-1"})
    logging.getLogger("app").warning("after it")
    inside, line, after = log.events
    assert (inside["event"], inside["request_id"]) == ("in the view", "r-1")
    assert 0 < line["duration_seconds"] < 60
    assert {name: line[name] for name in ("event", "method", "route", "status", "request_id")} == {
        "event": "request",
        "method": "GET",
        "route": "/orders/<order_id>",
        "status": 200,
        "request_id": "r-1",
    }
    assert "key" not in line
    assert "request_id" not in after


def test_a_request_that_finds_nothing_is_logged_without_its_path(
    tmp_path: Path, start_log: StartLog
) -> None:
    log = start_log(log_format="json")
    client_of(tmp_path).get("/%0a%1b[2Kforged")
    (line,) = log.events
    assert (line["status"], line["route"]) == (404, None)
    assert "forged" not in log.text


def test_a_request_that_fails_is_logged_with_its_reason(
    tmp_path: Path, start_log: StartLog
) -> None:
    log = start_log(log_format="json")
    client = client_of(tmp_path)

    def view(**_: object) -> None:
        raise RuntimeError("out of paper")

    client.application.view_functions["orders.get_order"] = view
    answer = client.get("/orders/%0aforged")
    reason, line = log.events
    assert "RuntimeError: out of paper" in reason["exception"]
    assert reason["request_id"] == line["request_id"] == answer.headers["X-Request-Id"]
    assert (reason["level"], line["status"]) == ("error", 500)


def test_a_request_is_logged_with_the_name_of_its_key_and_never_the_key(
    tmp_path: Path, start_log: StartLog
) -> None:
    log = start_log(log_format="json", log_level="DEBUG")
    key, entry = make_key("ada", "read")
    client = client_of(tmp_path, api_keys=entry)
    client.get("/orders/A-1", headers={"Authorization": f"Bearer {key}"})
    client.get("/orders/A-1", headers={"X-API-Key": key})
    client.get(f"/orders/A-1?api_key={key}")
    client.get("/orders/A-1", headers={"Authorization": f"Bearer {key}x"})
    lines = [event for event in log.events if event["event"] == "request"]
    assert [(line["status"], line.get("key")) for line in lines] == [
        (200, "ada"),
        (200, "ada"),
        (401, None),
        (401, None),
    ]
    for secret in (key, entry.rpartition(":")[2]):
        assert secret not in log.text


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0)])
def test_requests_are_logged_at_info(
    tmp_path: Path, start_log: StartLog, level: str, lines: int
) -> None:
    log = start_log(log_level=level)
    client_of(tmp_path).get("/nowhere")
    assert log.text.count("\n") == lines


def test_an_application_on_its_own_logs_no_requests() -> None:
    assert Envelope(lambda environ, start: [])._info is None


# --- transitions ---------------------------------------------------------------------------------


def test_a_transition_is_a_line_with_its_action_at_debug(start_log: StartLog) -> None:
    log = start_log(log_level="DEBUG", log_format="json")
    log_moves([(CLAIM, "A-1"), (COMPLETE, "A-1")])
    assert [
        (each["level"], each["action"], each["order_id"], each["status"]) for each in log.events
    ] == [
        ("debug", "claim", "A-1", "PROCESSING"),
        ("debug", "complete", "A-1", "COMPLETED"),
    ]


def test_transitions_are_not_even_looked_at_above_debug(start_log: StartLog) -> None:
    start_log(log_level="INFO")
    log_moves(1 / 0 for _ in range(1))
