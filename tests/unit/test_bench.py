"""The bench judges honestly, its load client reads answers as they come, its page shows one run."""

import os
import platform
import re
import socket
import threading
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import ceiling, curve, report, run
from bench.__main__ import bench
from bench.connections import NO_ANSWER, Load
from bench.curve import Point
from bench.figures import Figure, shown
from bench.load import offer, post, saturate
from bench.plot import render
from bench.subjects import Databases

DOCS = Path(__file__).parents[2] / "docs"
ANSWER = b"HTTP/1.1 201 CREATED\r\nContent-Length: 2\r\n\r\n{}"
REQUEST = post("/orders", b"{}")


def figure(*rounds: float, target: str = "P1", **bounds: float) -> Figure:
    return Figure(target=target, what="", database="", rounds=rounds, **bounds)


@contextmanager
def server(*pieces: bytes, delay_seconds: float = 0.0) -> Iterator[int]:
    """Answer each request of one connection in these pieces, or close it for none; yield a port."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # the test is over
                return
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while connection.recv(65536) and pieces:
                    time.sleep(delay_seconds)
                    for piece in pieces:
                        connection.sendall(piece)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize(
    ("judged", "verdict"),
    [
        (figure(0.6, 0.7, 0.8, at_least=0.7), "met"),
        (figure(0.6, 0.69, 0.8, at_least=0.7), "missed"),
        (figure(1.2, at_most=1.2), "met"),
        (figure(1.3, at_most=1.2), "missed"),
        (figure(1), ""),
    ],
)
def test_the_median_of_the_rounds_is_held_against_the_target(judged: Figure, verdict: str) -> None:
    assert judged.verdict == verdict


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00"), (0.0123, "0.012"), (0.7, "0.70"), (12.34, "12.3"), (23456.7, "23,457")],
)
def test_a_figure_shows_the_digits_that_say_something(value: float, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("pieces", [(ANSWER,), (ANSWER[:9], ANSWER[9:-1], ANSWER[-1:])])
def test_an_answer_counts_once_in_however_many_pieces_it_comes(pieces: tuple[bytes, ...]) -> None:
    with server(*pieces) as port:
        load = offer(port, [REQUEST], rate=1000, connections=1, seconds=0.01)
    assert dict(load.statuses) == {201: 10}
    assert len(load.latencies) == 10


def test_saturation_sends_the_next_request_after_each_answer() -> None:
    with server(ANSWER) as port:
        load = saturate(port, [REQUEST], connections=1, seconds=0.5)
    assert load.created == len(load.latencies) > 1


def test_a_latency_under_saturation_counts_from_when_the_request_was_sent() -> None:
    with server(ANSWER, delay_seconds=0.2) as port:
        load = saturate(port, [REQUEST], connections=1, seconds=0.5)
    assert sum(load.latencies) <= load.seconds  # for one is sent after the other


def test_a_load_lasts_until_its_last_answer() -> None:
    with server(ANSWER, delay_seconds=1.2) as port:  # longer than a poll waits
        saturated = saturate(port, [REQUEST], connections=1, seconds=0.1)
    with server(ANSWER, delay_seconds=0.2) as port:
        offered = offer(port, [REQUEST], rate=1000, connections=1, seconds=0.003)
    assert saturated.seconds >= 1.2 * saturated.created
    assert offered.seconds >= 0.2 * offered.created


@pytest.mark.parametrize(
    ("fraction", "rank"), [(0.001, 1), (0.5, 500), (0.99, 990), (99.9 / 100, 999), (1, 1000)]
)
def test_percentiles_are_nearest_rank(fraction: float, rank: int) -> None:
    load = Load(latencies=array("d", range(1000, 0, -1)))
    assert load.percentile(fraction) == rank


def test_a_connection_that_is_closed_instead_of_answered_is_no_order() -> None:
    with server() as port:
        load = offer(port, [REQUEST], rate=1000, connections=1, seconds=0.005)
    assert set(load.statuses) == {NO_ANSWER}
    assert (load.created, load.refused) == (0, 5)


def test_the_turn_to_warm_up_does_not_count_however_long_the_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subjects: list[object] = []
    monkeypatch.setattr(ceiling, "measure", lambda subject, *_, **__: subjects.append(subject))
    pairs = list(ceiling.turns("no-op", "ours", None, seconds=ceiling.WARM_UP_SECONDS, rounds=2))
    assert len(pairs) == 2
    assert subjects == ["no-op", "ours"] * 3


@pytest.fixture
def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Measures these parts on SQLite, as the command does; returns the table that it writes."""
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)

    def measured(*parts: str) -> str:
        only = [f"--only={part}" for part in parts]
        command = ["targets", "--database=sqlite", f"--into={tmp_path}", *only]
        done = CliRunner().invoke(bench, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return (tmp_path / "table.md").read_text()

    return measured


@pytest.mark.parametrize("parts", [("P6",), ("P4", "P6")])
def test_targets_that_need_the_same_tables_are_measured_once(
    measure: Callable[..., str], monkeypatch: pytest.MonkeyPatch, parts: tuple[str, ...]
) -> None:
    found = [figure(1, target=target) for target in ("P4", "P6")]
    monkeypatch.setitem(run.TARGETS, "P4", lambda _: iter(found))
    assert re.findall(r"P\d", measure(*parts)) == ["P4", "P6"]


def test_a_plot_that_fails_costs_no_figure(
    measure: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Databases) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setitem(run.TARGETS, "P1", lambda _: iter([figure(1)]))
    monkeypatch.setattr(curve, "points", fail)
    table = measure("P1", "plot")
    assert re.search(r"^\| P1 \|.* 1\.00 ", table, re.MULTILINE)
    assert "| plot | failed | sqlite |  |  | skipped: RuntimeError: out of luck |" in table


def test_a_processor_without_a_name_is_known_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: "processor\t: 0\nBogoMIPS\t: 243.75\n")
    assert report.machine()["processor"] == platform.machine()


def test_a_curve_of_any_length_can_be_drawn() -> None:
    one = [Point(offered=250, accepted=250.0, p50=0.001, p99=0.002)]
    many = [Point(n * 1000, n * 900.0, 0.001 * n, 0.1 * n) for n in range(1, 9)]
    drawing = render({"one & only": one, "many": many})
    assert drawing.count("<path") > 4
    assert "one &amp; only" in drawing


def test_the_page_shows_the_table_of_the_run_that_is_kept_beside_it() -> None:
    page = (DOCS / "performance.md").read_text()
    table = (DOCS / "performance" / "table.md").read_text()
    assert page.partition("<!-- table -->\n")[2].partition("<!-- end of table -->")[0] == table
