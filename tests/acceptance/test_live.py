"""A service under test is a real one, and is gone after its test."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import SQLiteFile
from tests.live import LiveService
from tests.processes import StartError, wait_until

SECONDS = 30
TEST_IN_PROGRESS = """
import os, signal, time

def test_in_progress(start_service):
    service = start_service(processes=1)
    worker = service.worker_pids()[0]
    os.kill(worker, signal.SIGSTOP)
    print(service.master_pid, worker, flush=True)
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
    test = tmp_path / "test_in_progress.py"
    test.write_text(TEST_IN_PROGRESS)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "tests.conftest"]
    with subprocess.Popen(
        [*command, "--database", "sqlite", test], stdout=subprocess.PIPE, text=True
    ) as inner:
        line = next(line for line in inner.stdout if line[0].isdigit())
        os.kill(inner.pid, end)
        inner.communicate()
    pids = [int(pid) for pid in line.split()]
    wait_until(lambda: are_gone(pids), SECONDS, "end of the service")
