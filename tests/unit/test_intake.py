"""Group commit, with real threads."""

import random
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import pytest

from app.orders.errors import OutcomeUnknownError, UnavailableError
from app.processing import intake as intake_module
from app.processing.intake import LOAD, MAX_BATCH, Intake
from tests.processes import wait_until

SECONDS = 60
ITEMS = 20_000


class Table:
    """Writes down the batches it is given; can be held up, and told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.error: Exception | None = None
        self.entered = threading.Semaphore(0)
        self._gates = [threading.Event()]
        self._gates[0].set()

    def hold(self) -> threading.Event:
        """Let no write that begins from now on end before the returned event."""
        self._gates.append(threading.Event())
        return self._gates[-1]

    def release_all(self) -> None:
        """Let everybody go on."""
        for gate in self._gates:
            gate.set()

    def write(self, items: Sequence[int]) -> list[str | Exception]:
        """Write the items; negative ones are refused, each by itself."""
        gate, error = self._gates[-1], self.error
        self.batches.append(list(items))
        self.entered.release()
        assert gate.wait(SECONDS)
        if error is not None:
            raise error
        return [ValueError(f"{item} is refused") if item < 0 else f"row {item}" for item in items]


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.fixture
def intake(table: Table, monkeypatch: pytest.MonkeyPatch) -> Intake[int, str]:
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 1000)
    return Intake(table.write, threads=MAX_BATCH + 50)


@pytest.fixture
def threads(table: Table) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MAX_BATCH + 50) as pool:
        yield pool
        table.release_all()


@pytest.fixture
def lead(table: Table, intake: Intake[int, str], threads: ThreadPoolExecutor) -> Future[str]:
    """Item 0, whose thread leads and is held up in its write."""
    table.hold()
    leader = threads.submit(intake.submit, 0)
    assert table.entered.acquire(timeout=SECONDS)
    return leader


Follow = Callable[..., list[Future[str]]]


@pytest.fixture
def follow(lead: Future[str], intake: Intake[int, str], threads: ThreadPoolExecutor) -> Follow:
    """Submit items, a thread each, that wait in this order behind the leader."""

    def submit(*items: int) -> list[Future[str]]:
        futures = []
        for item in items:
            waiting = len(intake._waiting) + 1
            futures.append(threads.submit(intake.submit, item))
            wait_until(lambda n=waiting: len(intake._waiting) == n, SECONDS, f"{item} in line")
        return futures

    return submit


def test_alone_nobody_waits(table: Table, intake: Intake[int, str]) -> None:
    assert [intake.submit(1), intake.submit(2)] == ["row 1", "row 2"]
    assert table.batches == [[1], [2]]


def test_what_comes_while_a_batch_is_written_is_the_next_batch(
    table: Table, lead: Future[str], follow: Follow
) -> None:
    futures = follow(1, 2, 3)
    table.release_all()
    assert lead.result(SECONDS) == "row 0"
    assert [each.result(SECONDS) for each in futures] == ["row 1", "row 2", "row 3"]
    assert table.batches == [[0], [1, 2, 3]]


def test_a_batch_is_bounded_and_the_rest_comes_after_it(table: Table, follow: Follow) -> None:
    items = range(1, MAX_BATCH + 11)
    futures = follow(*items)
    table.release_all()
    assert [each.result(SECONDS) for each in futures] == [f"row {item}" for item in items]
    assert [len(batch) for batch in table.batches] == [1, MAX_BATCH, 10]


def gathering(
    monkeypatch: pytest.MonkeyPatch, intake: Intake[int, str], looks: Sequence[int]
) -> list[int]:
    """Have so many items come between one look of a leader and the next; returns the looks."""
    seen: list[int] = []

    def sleep(_seconds: float) -> None:
        seen.append(len(intake._waiting))
        for _ in range(looks[len(seen) - 1]):
            intake._waiting.append(intake_module._Waiting(7))

    monkeypatch.setattr(intake_module.time, "sleep", sleep)
    return seen


def test_under_load_a_leader_waits_while_others_come(
    table: Table, monkeypatch: pytest.MonkeyPatch, intake: Intake[int, str]
) -> None:
    monkeypatch.setattr(intake, "_loaded", True)
    seen = gathering(monkeypatch, intake, [2, 3, 1])
    intake.submit(1)
    assert (seen, table.batches) == ([1, 3, 6], [[1, 7, 7, 7, 7, 7, 7]])


def test_a_leader_waits_for_nobody_who_cannot_come(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = Intake(table.write, threads=3)
    monkeypatch.setattr(intake, "_loaded", True)
    seen = gathering(monkeypatch, intake, [2])
    intake.submit(1)
    assert (seen, table.batches) == ([1], [[1, 7, 7]])


def test_without_load_a_leader_waits_for_nobody(
    table: Table, monkeypatch: pytest.MonkeyPatch, follow: Follow
) -> None:
    monkeypatch.setattr(intake_module, "GATHER_SECONDS", None)  # waiting would fail
    futures = follow(*range(1, LOAD))
    table.release_all()
    for each in futures:
        each.result(SECONDS)
    assert [len(batch) for batch in table.batches] == [1, LOAD - 1]


def test_a_batch_of_several_tells_of_load(
    table: Table, intake: Intake[int, str], follow: Follow
) -> None:
    futures = follow(*range(1, LOAD + 1))
    table.release_all()
    for each in futures:
        each.result(SECONDS)
    assert intake._loaded
    intake.submit(0)
    assert not intake._loaded


def test_one_bad_item_fails_alone(table: Table, follow: Follow) -> None:
    good, bad, other = follow(1, -2, 3)
    table.release_all()
    with pytest.raises(ValueError, match="-2 is refused"):
        bad.result(SECONDS)
    assert [good.result(SECONDS), other.result(SECONDS)] == ["row 1", "row 3"]


def test_a_write_that_fails_reaches_all_it_led_and_leadership_goes_on(
    table: Table, lead: Future[str], follow: Follow, intake: Intake[int, str]
) -> None:
    led = follow(1, 2, 3)
    table.error = UnavailableError("the database is away")
    table.release_all()
    assert lead.result(SECONDS) == "row 0"
    assert [type(each.exception(SECONDS)) for each in led] == [UnavailableError] * 3
    table.error = None
    assert intake.submit(4) == "row 4"


def test_a_leader_that_fails_hands_leadership_to_those_who_came_meanwhile(
    table: Table, intake: Intake[int, str], threads: ThreadPoolExecutor
) -> None:
    table.hold()
    table.error = ValueError("a bug")
    lead = threads.submit(intake.submit, 0)
    assert table.entered.acquire(timeout=SECONDS)
    table.error = None
    heir = threads.submit(intake.submit, 1)
    wait_until(lambda: len(intake._waiting) == 1, SECONDS, "an heir")
    table.release_all()
    with pytest.raises(ValueError, match="a bug"):
        lead.result(SECONDS)
    assert heir.result(SECONDS) == "row 1"


def test_who_waits_too_long_for_its_turn_is_not_written(
    table: Table,
    lead: Future[str],
    follow: Follow,
    intake: Intake[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (first,) = follow(1)
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 0.01)
    with pytest.raises(UnavailableError) as late:
        intake.submit(2)
    assert not isinstance(late.value, OutcomeUnknownError)
    table.release_all()
    assert [lead.result(SECONDS), first.result(SECONDS)] == ["row 0", "row 1"]
    assert table.batches == [[0], [1]]


def test_who_is_being_written_for_too_long_cannot_know_its_outcome(
    table: Table,
    lead: Future[str],
    follow: Follow,
    intake: Intake[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (heir,) = follow(1)
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 5)
    (led,) = follow(2)
    held = table.hold()
    table._gates[-2].set()  # the leader ends, its heir is held up with both items
    assert isinstance(led.exception(SECONDS), OutcomeUnknownError)
    held.set()
    assert [lead.result(SECONDS), heir.result(SECONDS)] == ["row 0", "row 1"]
    assert table.batches == [[0], [1, 2]]
    assert intake.submit(3) == "row 3"


def test_who_gave_up_in_the_middle_of_a_batch_does_not_keep_the_others_asleep(
    table: Table,
    lead: Future[str],
    follow: Follow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (heir,) = follow(1)
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 5)
    (gone,) = follow(2)
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 1000)
    others = follow(3, 4)
    held = table.hold()
    table._gates[-2].set()  # the leader ends, its heir is held up with all of them
    assert isinstance(gone.exception(SECONDS), OutcomeUnknownError)
    held.set()
    assert [each.result(SECONDS) for each in (heir, *others)] == ["row 1", "row 3", "row 4"]
    assert lead.result(SECONDS) == "row 0"


def test_leadership_survives_an_heir_that_timed_out(
    table: Table,
    lead: Future[str],
    follow: Follow,
    intake: Intake[int, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 0.05)
    with pytest.raises(UnavailableError):
        intake.submit(1)
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", SECONDS)
    (next_in_line,) = follow(2)
    table.release_all()
    assert [lead.result(SECONDS), next_in_line.result(SECONDS)] == ["row 0", "row 2"]


class HeirsMutex:
    """A mutex that lets something happen just before the heir takes it for the second time."""

    def __init__(self, before_giving_up: Callable[[], object]) -> None:
        self.heir: int | None = None
        self._before_giving_up = before_giving_up
        self._lock = threading.Lock()
        self._taken_by_heir = 0

    def __enter__(self) -> Self:
        """Take the mutex."""
        if threading.get_ident() == self.heir:
            self._taken_by_heir += 1
            if self._taken_by_heir == 2:
                self._before_giving_up()
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._lock.release()


def test_who_becomes_the_leader_while_it_times_out_leads(
    table: Table, intake: Intake[int, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake_module, "DEADLINE_SECONDS", 0.05)
    gate = table.hold()
    leader = threading.Thread(target=intake.submit, args=[0])

    def hand_over() -> None:
        gate.set()
        leader.join(SECONDS)

    intake._mutex = mutex = HeirsMutex(hand_over)
    leader.start()
    assert table.entered.acquire(timeout=SECONDS)
    mutex.heir = threading.get_ident()
    assert intake.submit(1) == "row 1"
    assert intake.submit(2) == "row 2"


def test_nothing_is_lost_or_crossed_between_64_threads() -> None:
    written: list[int] = []
    leaders = threading.Semaphore(1)

    def write(items: Sequence[int]) -> list[tuple[str, int] | Exception]:
        assert leaders.acquire(blocking=False), "two lead at once"
        written.extend(items)
        leaders.release()
        if random.random() < 0.05:
            raise UnavailableError(" ".join(map(str, items)))
        return [ValueError(str(item)) if item % 7 == 0 else ("row", item) for item in items]

    intake: Intake[int, tuple[str, int]] = Intake(write, threads=64)

    def is_own(item: int) -> bool:
        try:
            return intake.submit(item) == ("row", item)
        except (ValueError, UnavailableError) as error:
            return str(item) in str(error).split()

    def all_own(thread: int) -> bool:
        return all([is_own(item) for item in range(thread, ITEMS, 64)])  # noqa: C419 -- all of them

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # to be interrupted everywhere
    try:
        with ThreadPoolExecutor(64) as pool:
            assert all(pool.map(all_own, range(64)))
    finally:
        sys.setswitchinterval(interval)
    assert sorted(written) == list(range(ITEMS))
