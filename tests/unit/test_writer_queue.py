"""Writers of one file: in turn, and none kept waiting for ever by a courtesy."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from app import writer_queue
from app.writer_queue import WriterQueue, turn_to_write
from tests.processes import wait_until

SECONDS = 10
HOLD = """
import sys, time
from pathlib import Path
from app.writer_queue import WriterQueue
with WriterQueue(Path(sys.argv[1]), patience_seconds=10).turn():
    print("holds", flush=True)
    time.sleep(600)
"""

Writers = Callable[..., "Writer"]


class Writer:
    """A thread of a process of its own, as far as the locks of files can tell."""

    def __init__(self, queue: WriterQueue, order: list[str], name: str) -> None:
        """Queue at once."""
        self.queue = queue
        self.entered, self._leave = threading.Event(), threading.Event()
        self._order, self._name = order, name
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Let the next one in."""
        self._leave.set()
        self._thread.join(SECONDS)

    def _run(self) -> None:
        with self.queue.turn():
            self._order.append(self._name)
            self.entered.set()
            self._leave.wait(SECONDS)


@pytest.fixture
def order() -> list[str]:
    """Who entered, in this order."""
    return []


@pytest.fixture
def writers(tmp_path: Path, order: list[str]) -> Iterator[Writers]:
    """Start writers, each with a queue of its own unless it is given one."""
    started: list[Writer] = []

    def start(name: str, queue: WriterQueue | None = None, patience_seconds: float = SECONDS):
        queue = queue or WriterQueue(tmp_path / "db", patience_seconds=patience_seconds)
        started.append(Writer(queue, order, name))
        return started[-1]

    yield start
    for each in started:
        each.leave()


def stands_at_the_gate(writer: Writer) -> Callable[[], bool]:
    """Whether nobody else could get past this writer."""
    gate = writer_queue._FileLock(writer.queue._gate._path)

    def shut() -> bool:
        had = gate.acquire(0)
        gate.release()
        return not had

    return shut


@pytest.mark.parametrize("one_process", [True, False])
def test_writers_enter_one_by_one(writers: Writers, order: list[str], one_process: bool) -> None:
    first = writers("first")
    assert first.entered.wait(SECONDS)
    second = writers("second", first.queue if one_process else None)
    assert not second.entered.wait(0.05)
    first.leave()
    assert second.entered.wait(SECONDS)


def test_who_comes_back_queues_behind_who_waits(writers: Writers, order: list[str]) -> None:
    holder = writers("holder")
    assert holder.entered.wait(SECONDS)
    waiting = writers("waiting")
    wait_until(stands_at_the_gate(waiting), SECONDS, "the gate to shut")
    back = writers("holder again", holder.queue)
    holder.leave()
    assert waiting.entered.wait(SECONDS)
    waiting.leave()
    assert back.entered.wait(SECONDS)
    assert order == ["holder", "waiting", "holder again"]


@pytest.mark.parametrize("one_process", [True, False])
def test_who_has_queued_for_too_long_goes_on(writers: Writers, one_process: bool) -> None:
    holder = writers("holder", patience_seconds=0.01)
    assert holder.entered.wait(SECONDS)
    queue = holder.queue if one_process else None
    impatient = writers("impatient", queue, patience_seconds=0.01)
    assert impatient.entered.wait(SECONDS)
    impatient.leave()
    third = writers("third")
    assert not third.entered.wait(0.05)  # the holder still holds
    holder.leave()
    assert third.entered.wait(SECONDS)


def test_a_holder_that_is_killed_holds_nothing(tmp_path: Path, writers: Writers) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "db")], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"holds\n"
    waiting = writers("waiting")
    assert not waiting.entered.wait(0.05)
    holder.kill()
    assert waiting.entered.wait(SECONDS)
    holder.communicate()


def test_where_nobody_can_queue_everybody_enters(tmp_path: Path) -> None:
    nowhere = WriterQueue(tmp_path / "missing" / "db", patience_seconds=SECONDS)
    with nowhere.turn():
        pass


def test_an_error_inside_lets_the_next_one_in(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "db", patience_seconds=SECONDS)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), queue.turn():
            raise ZeroDivisionError


def test_only_writers_of_a_file_queue(tmp_path: Path) -> None:
    file = create_engine(f"sqlite:///{tmp_path}/orders.db")
    server = create_engine("mysql+pymysql://nobody@127.0.0.1/orders")
    for engine, read_only in ((file, True), (server, False)):
        with turn_to_write(engine, read_only=read_only):
            assert list(tmp_path.iterdir()) == []
    with turn_to_write(file, read_only=False):
        assert {each.name for each in tmp_path.iterdir()} == {"orders.db-gate", "orders.db-hold"}


@pytest.mark.parametrize("place", ["gate", "hold"])
def test_who_has_queued_in_vain_does_not_queue_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    queue = WriterQueue(tmp_path / "db", patience_seconds=0.01)
    stands_still = writer_queue._FileLock(tmp_path / f"db-{place}")
    assert stands_still.acquire(0)
    with queue.turn():
        pass
    monkeypatch.setattr(writer_queue.time, "sleep", None)  # waiting would fail
    with queue.turn():
        pass


def test_who_finds_it_held_meanwhile_does_not_put_off_queueing_again(tmp_path: Path) -> None:
    queue = WriterQueue(tmp_path / "db", patience_seconds=0.01)
    stands_still = writer_queue._FileLock(queue._hold._path)
    assert stands_still.acquire(0)
    with queue.turn():
        pass
    in_vain_until = queue._in_vain_until
    with queue.turn():
        pass
    assert queue._in_vain_until == in_vain_until
