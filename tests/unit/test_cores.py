"""Cores: with a worker for each, the threads of requests keep to one."""

import os
import threading

import pytest

from app.cores import keep_to_one_core

CORES = sorted(os.sched_getaffinity(0))


def cores_of_a_thread_started_by(slot: int, workers: int) -> list[set[int]]:
    """Return the cores that a thread may use, once it has been told, and one that it starts."""
    found: list[set[int]] = []

    def look() -> None:
        found.append(os.sched_getaffinity(0))

    def keep() -> None:
        keep_to_one_core(slot, workers=workers)
        look()
        later = threading.Thread(target=look)
        later.start()
        later.join()

    thread = threading.Thread(target=keep)
    thread.start()
    thread.join()
    return found


@pytest.mark.parametrize("slot", range(1, 2 * len(CORES) + 1))
def test_a_thread_keeps_to_the_core_of_its_worker(slot: int) -> None:
    mine = {CORES[(slot - 1) % len(CORES)]}
    assert cores_of_a_thread_started_by(slot, workers=2 * len(CORES)) == [mine, mine]


def test_a_thread_that_runs_already_may_use_every_core() -> None:
    cores_of_a_thread_started_by(1, workers=len(CORES))
    assert os.sched_getaffinity(0) == set(CORES)


@pytest.mark.parametrize("workers", [1, 2, 4, 5])
def test_workers_that_do_not_share_the_cores_evenly_go_where_they_like(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _thread: {0, 1, 2})
    monkeypatch.setattr(os, "sched_setaffinity", None)  # calling it would fail
    keep_to_one_core(1, workers=workers)


def test_where_it_is_forbidden_a_worker_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbidden(_thread: int, _cores: set[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    keep_to_one_core(1, workers=len(CORES))
