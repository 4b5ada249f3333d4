"""A service under test is a real one, and is gone after its test."""

import signal
from pathlib import Path

import pytest

from tests.databases import SQLiteFile
from tests.live import LiveService
from tests.processes import StartError, wait_until
from tests.pytest_in_progress import PytestInProgress

SECONDS = 30
TEST_IN_PROGRESS = """
import os, signal, time
from pathlib import Path

def test_in_progress(start_service):
    service = start_service(processes=1)
    worker = service.worker_pids()[0]
    os.kill(worker, signal.SIGSTOP)
    Path(FOUND).write_text(f"{service.master_pid} {worker}\\n")
    time.sleep(1000)
"""


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return SQLiteFile(tmp_path).fresh()


def are_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_killed_worker_is_replaced(start_service) -> None:
    service = start_service(processes=2)
    first, second = service.worker_pids()
    service.kill_worker(first)
    wait_until(lambda: len(service.worker_pids()) == 2, SECONDS, "new worker")
    assert first not in service.worker_pids()
    assert second in service.worker_pids()


def test_a_stopped_service_leaves_no_process_and_starts_again(start_service) -> None:
    service = start_service(processes=2)
    pids = [service.master_pid, *service.worker_pids()]
    assert service.stop() < SECONDS
    assert are_gone(pids)
    service.start()
    assert len(service.worker_pids()) == 2


def test_a_killed_service_leaves_no_process(start_service) -> None:
    service = start_service(processes=2)
    pids = [service.master_pid, *service.worker_pids()]
    service.kill()
    assert are_gone(pids)


def test_a_service_that_cannot_start_shows_its_log(database_url: str) -> None:
    service = LiveService(database_url, MAX_ATTEMPTS="many")
    with pytest.raises(StartError, match="MAX_ATTEMPTS"), service:
        pass


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_no_service_outlives_its_pytest(tmp_path: Path, end: int) -> None:
    with PytestInProgress(tmp_path, TEST_IN_PROGRESS) as inner:
        pids = [int(pid) for line in inner.found() for pid in line.split()]
        inner.end(end)
        wait_until(lambda: are_gone(pids), SECONDS, "end of the service")
