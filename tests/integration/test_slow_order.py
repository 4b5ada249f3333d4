"""An order that keeps the handler busy: what becomes of those claimed with it."""

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from app.orders.lifecycle import Ending, Hint
from app.orders.turns import Turn
from app.processing.handlers import Order
from app.transactions import MAX_TRIES
from tests.integration.bench import Bench
from tests.integration.commits import Commits
from tests.integration.moves import all_rows, differences, statuses, totals
from tests.processes import wait_until

SECONDS = 30
ORDERS = ("done", "slow", "not begun")


class Slow:
    """A bench whose processor's thread is at the order `slow`, until `end`."""

    def __init__(self, engine: Engine, *, threads: int) -> None:
        self._begun, self._may_end = threading.Event(), threading.Event()
        self.bench = Bench(engine, threads=threads, handle=self._handle)
        self.bench.place_and_claim(*(name.replace(" ", "-") for name in ORDERS))
        self.processor = self.bench.processor
        self.processor.start()
        assert self._begun.wait(SECONDS)
        wait_until(lambda: len(self.processor._done) == 1, SECONDS, "the one before it done")

    def end(self) -> None:
        """Let the slow order end."""
        self._may_end.set()

    def _handle(self, order: Order) -> None:
        if order.order_id == "slow":
            self._begun.set()
            assert self._may_end.wait(SECONDS)


@pytest.fixture(params=[1, 2], ids=["alone", "with its mate"])
def slow(request: pytest.FixtureRequest, engine: Engine) -> Iterator[Slow]:
    slow = Slow(engine, threads=request.param)
    yield slow
    slow.end()
    assert slow.processor.stop(drain_seconds=SECONDS)
    if request.param > 1:
        slow.processor._map.__self__.terminate()


def test_the_heartbeat_ends_what_is_done(slow: Slow, engine: Engine) -> None:
    slow.bench.supervisor.tick()
    assert statuses(engine) == ["PROCESSING"] * 3
    slow.processor._progress_at -= 10
    slow.bench.supervisor.tick()
    assert statuses(engine) == ["COMPLETED", "PROCESSING", "PROCESSING"]
    slow.end()
    wait_until(lambda: statuses(engine) == ["COMPLETED"] * 3, SECONDS, "all completed")
    assert sorted(slow.bench.handled_ids) == ["done", "not-begun", "slow"]
    assert totals(engine)["complete"] == 3
    assert differences(engine) == []


def test_a_drain_ends_what_is_done_and_gives_back_what_is_not_begun(
    slow: Slow, engine: Engine
) -> None:
    assert not slow.processor.stop(drain_seconds=0.01)
    assert statuses(engine) == ["COMPLETED", "PROCESSING", "PENDING"]
    assert [row.solo for row in all_rows(engine)] == [False] * 3
    slow.end()
    assert slow.processor.stop(drain_seconds=SECONDS)
    assert statuses(engine) == ["COMPLETED", "COMPLETED", "PENDING"]
    assert slow.bench.handled_ids == ["done", "slow"]
    assert (totals(engine)["complete"], totals(engine)["release"]) == (2, 1)
    assert differences(engine) == []


@pytest.mark.only_on("mariadb", "postgresql")
@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("again", ["by the next look", "by the processor"])
def test_what_is_in_doubt_is_repeated_before_anything_is_added(
    slow: Slow,
    engine: Engine,
    commits: Commits,
    monkeypatch: pytest.MonkeyPatch,
    happened: bool,
    again: str,
) -> None:
    asked: list[tuple[object, ...]] = []
    turn = slow.bench.service.turn

    def record(endings: list[Ending], hints: list[Hint], **more: int) -> Turn:
        asked.append((list(endings), list(hints), more))
        return turn(endings, hints, **more)

    monkeypatch.setattr(slow.bench.service, "turn", record)
    slow.bench.place("waits")
    commits.lose(*[happened] * MAX_TRIES)
    slow.processor.end_what_is_done(give_back=True)
    if again == "by the next look":
        slow.processor.end_what_is_done(give_back=True)
        assert statuses(engine) == ["COMPLETED", "PROCESSING", "PENDING", "PENDING"]
    slow.end()
    expected = ["COMPLETED", "COMPLETED", "PENDING", "COMPLETED"]
    wait_until(lambda: statuses(engine) == expected, SECONDS, "all but the one given back")
    assert asked[1] == asked[0]
    assert slow.bench.handled_ids == ["done", "slow", "waits"]
    assert (totals(engine)["complete"], totals(engine)["release"]) == (3, 1)
    assert differences(engine) == []


def test_nothing_is_done_while_no_handler_runs(engine: Engine) -> None:
    bench = Bench(engine)
    bench.place_and_claim("A-1")
    bench.processor.end_what_is_done(give_back=True)
    assert statuses(engine) == ["PROCESSING"]
