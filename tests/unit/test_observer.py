"""Whose heartbeat stands still, and whose process is gone."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from app.processing.identity import pid_started
from app.processing.observer import PAUSE_FACTOR, Observer
from tests.builders import identity
from tests.processes import no_file_can_be_opened

LEASE_SECONDS = 15.0
STEP_SECONDS = 3.0
OWN_START = pid_started(os.getpid())


def worker(row_id: int = 1, *, beat: int = 1, **process: object) -> SimpleNamespace:
    """Return the row of a worker, by default on another host."""
    elsewhere = {"host": "elsewhere", "boot_id": "boot", "pid": 1, "pid_started": 1}
    return SimpleNamespace(id=row_id, beat=beat, **elsewhere | process)


def here(**process: object) -> SimpleNamespace:
    """Return the row of a worker on the observer's own host."""
    return worker(**{"host": "here", "pid": os.getpid(), "pid_started": OWN_START} | process)


def watch(observer: Observer, rows: list[SimpleNamespace], seconds: float, start: float) -> float:
    """Look every `STEP_SECONDS` at rows that are all alive; returns the time at the end."""
    now = start
    while now <= start + seconds:
        assert observer.dead(rows, now=now) == []
        now += STEP_SECONDS
    return now


@pytest.fixture
def observer() -> Observer:
    return Observer(identity(), LEASE_SECONDS)


def test_a_standing_beat_is_a_death_after_the_lease_only(observer: Observer) -> None:
    still = worker()
    now = watch(observer, [still], LEASE_SECONDS, start=100)
    assert observer.dead([still], now=now) == [still]


def test_a_beat_that_moves_starts_the_lease_anew(observer: Observer) -> None:
    now = watch(observer, [worker(beat=1)], LEASE_SECONDS, start=100)
    watch(observer, [worker(beat=2)], LEASE_SECONDS, start=now)


def test_a_process_that_cannot_be_looked_at_is_judged_by_its_beat(observer: Observer) -> None:
    still = here()
    with no_file_can_be_opened():
        now = watch(observer, [still], LEASE_SECONDS, start=100)
        assert observer.dead([still], now=now) == [still]


def test_each_worker_is_judged_by_its_own_beat(observer: Observer) -> None:
    now = 0.0
    while now <= LEASE_SECONDS:
        assert observer.dead([worker(1), worker(2, beat=int(now))], now=now) == []
        now += STEP_SECONDS
    assert [row.id for row in observer.dead([worker(1), worker(2, beat=99)], now=now)] == [1]


def test_after_a_pause_of_its_own_an_observer_starts_anew(observer: Observer) -> None:
    now = watch(observer, [worker()], LEASE_SECONDS, start=100)
    now += LEASE_SECONDS * PAUSE_FACTOR
    watch(observer, [worker()], LEASE_SECONDS, start=now)


def test_the_first_look_judges_nobody(observer: Observer) -> None:
    assert observer.dead([worker()], now=10_000_000) == []


def test_a_worker_that_comes_back_is_a_newcomer(observer: Observer) -> None:
    now = watch(observer, [worker()], LEASE_SECONDS, start=100)
    assert observer.dead([], now=now) == []
    watch(observer, [worker()], LEASE_SECONDS, start=now + STEP_SECONDS)


def test_a_process_of_this_host_that_runs_is_alive(observer: Observer) -> None:
    assert observer.dead([here()], now=0) == []


def test_a_process_of_this_host_that_is_gone_is_dead_at_once(observer: Observer) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    gone = here(pid=process.pid)
    assert observer.dead([gone], now=0) == [gone]


def test_a_pid_that_was_reused_is_dead_at_once(observer: Observer) -> None:
    reused = here(pid_started=OWN_START - 1)
    assert observer.dead([reused], now=0) == [reused]


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"boot_id": "another"}])
def test_a_pid_means_nothing_on_another_host_or_in_another_container(
    observer: Observer, other: dict[str, str]
) -> None:
    assert observer.dead([here(pid_started=OWN_START - 1, **other)], now=0) == []
