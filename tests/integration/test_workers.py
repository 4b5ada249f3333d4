"""The table of workers: who takes part, who beats, who is gone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from app.clock import utc_now
from app.orders import workers
from app.orders.workers import REMEMBERED, WorkerState
from tests.builders import identity
from tests.integration.moves import in_transaction


def register(engine: Engine, **parts: Any) -> int:
    return in_transaction(engine, workers.register, identity(**parts))


def beat(engine: Engine, worker_id: int, state: WorkerState = WorkerState.ACTIVE) -> bool:
    return in_transaction(
        engine, workers.beat, worker_id, state=state, queue_length=3, current_order="A-1"
    )


def retire(engine: Engine, worker_id: int, *, seen_beat: int) -> bool:
    return in_transaction(engine, workers.retire, worker_id, seen_beat=seen_beat)


def alive(engine: Engine) -> list[int]:
    return [each.id for each in in_transaction(engine, workers.alive)]


def row(engine: Engine, worker_id: int) -> Any:
    table = workers.workers
    with engine.begin() as connection:
        return connection.execute(select(table).where(table.c.id == worker_id)).one()


def age(engine: Engine, worker_id: int, by: timedelta) -> None:
    table = workers.workers
    with engine.begin() as connection:
        changed = update(table).where(table.c.id == worker_id).values(beat_at=utc_now() - by)
        connection.execute(changed)


def test_a_new_worker_is_active_and_says_which_process_it_is(engine: Engine) -> None:
    found = row(engine, register(engine, host="h", boot_id="b", pid=42, pid_started=2**40))
    assert (found.host, found.boot_id, found.pid, found.pid_started) == ("h", "b", 42, 2**40)
    assert (found.state, found.beat, found.queue_length) == (WorkerState.ACTIVE, 0, 0)
    assert found.current_order is None
    assert abs(utc_now() - found.beat_at) < timedelta(seconds=10)


def test_a_beat_counts_and_reports(engine: Engine) -> None:
    worker_id = register(engine)
    assert beat(engine, worker_id)
    assert beat(engine, worker_id, WorkerState.DRAINING)
    found = row(engine, worker_id)
    assert (found.beat, found.queue_length, found.current_order) == (2, 3, "A-1")
    assert found.state == WorkerState.DRAINING


def test_a_beat_of_one_is_no_beat_of_another(engine: Engine) -> None:
    one, other = register(engine), register(engine)
    beat(engine, one)
    assert (row(engine, one).beat, row(engine, other).beat) == (1, 0)


@pytest.mark.parametrize("state", [WorkerState.ACTIVE, WorkerState.DRAINING])
def test_who_stands_still_is_retired_and_its_next_beat_tells_it(
    engine: Engine, state: WorkerState
) -> None:
    worker_id = register(engine)
    beat(engine, worker_id, state)
    assert retire(engine, worker_id, seen_beat=1)
    assert row(engine, worker_id).state == WorkerState.RETIRED
    assert not beat(engine, worker_id)
    assert row(engine, worker_id).beat == 1


def test_who_has_beaten_since_it_was_seen_is_not_retired(engine: Engine) -> None:
    worker_id = register(engine)
    beat(engine, worker_id)
    assert not retire(engine, worker_id, seen_beat=0)
    assert row(engine, worker_id).state == WorkerState.ACTIVE
    assert beat(engine, worker_id)


def test_one_is_retired_by_one_only(engine: Engine) -> None:
    worker_id = register(engine)
    assert [retire(engine, worker_id, seen_beat=0) for _ in range(2)] == [True, False]


def test_who_leaves_is_retired_and_beats_no_more(engine: Engine) -> None:
    worker_id = register(engine)
    in_transaction(engine, workers.leave, worker_id)
    assert not beat(engine, worker_id)
    assert alive(engine) == []


def test_a_beat_of_nobody_counts_nothing(engine: Engine) -> None:
    assert not beat(engine, 4711)


def test_the_living_are_those_not_retired_by_id(engine: Engine) -> None:
    ids = [register(engine) for _ in range(4)]
    beat(engine, ids[2], WorkerState.DRAINING)
    retire(engine, ids[1], seen_beat=0)
    assert alive(engine) == [ids[0], ids[2], ids[3]]


def test_ids_rise_and_are_never_used_again(engine: Engine) -> None:
    """An id owns orders for ever: whoever gets it again would own them, too."""
    first, last = register(engine), register(engine)
    for worker_id in (first, last):
        in_transaction(engine, workers.leave, worker_id)
        age(engine, worker_id, REMEMBERED * 2)
    in_transaction(engine, workers.forget_retired)
    with engine.begin() as connection:
        assert connection.execute(select(workers.workers)).all() == []
    assert first < last < register(engine)


def test_only_who_was_retired_long_ago_is_forgotten(engine: Engine) -> None:
    active, fresh, old = register(engine), register(engine), register(engine)
    in_transaction(engine, workers.leave, fresh)
    in_transaction(engine, workers.leave, old)
    age(engine, active, REMEMBERED * 2)
    age(engine, fresh, REMEMBERED - timedelta(minutes=1))
    age(engine, old, REMEMBERED + timedelta(minutes=1))
    in_transaction(engine, workers.forget_retired)
    with engine.begin() as connection:
        left = connection.execute(select(workers.workers.c.id).order_by(workers.workers.c.id))
        assert left.scalars().all() == [active, fresh]
