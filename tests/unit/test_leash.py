"""Nothing that the tests start outlives them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import LeashedProcess, StartError, tail, wait_until

SECONDS = 10
# A parent and a child that would both live for ever.
FAMILY = ["sh", "-c", "sleep 1000 & echo $! && wait"]
# Owns such a family, says so, and waits to be killed.
OWNER = """
import sys, time
from pathlib import Path
from tests.processes import LeashedProcess
directory = Path(sys.argv[1])
log = directory / "log"
process = LeashedProcess(sys.argv[2:], directory=directory, log=log, cwd=directory)
print(process.pid, flush=True)
time.sleep(1000)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "directory"
    path.mkdir()
    return path


def leashed(command: list[str], directory: Path) -> LeashedProcess:
    log = directory / "log"
    return LeashedProcess(command, directory=directory, log=log, cwd=directory)


def child_in(log: Path) -> int:
    wait_until(lambda: bool(tail(log)), SECONDS, "pid of the child")
    return int(tail(log))


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def test_closing_ends_the_descendants_and_removes_the_directory(directory: Path) -> None:
    process = leashed(FAMILY, directory)
    child = child_in(directory / "log")
    process.close()
    assert is_gone(process.pid)
    assert is_gone(child)
    assert not directory.exists()


def test_a_kill_ends_the_descendants_and_keeps_the_directory(directory: Path) -> None:
    process = leashed(FAMILY, directory)
    child = child_in(directory / "log")
    process.kill()
    assert is_gone(process.pid)
    assert is_gone(child)
    assert directory.exists()


def test_the_death_of_the_owner_ends_the_descendants_even_if_they_are_stopped(
    directory: Path,
) -> None:
    command = [sys.executable, "-c", OWNER, directory, *FAMILY]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        parent, child = int(owner.stdout.readline()), child_in(directory / "log")
        os.kill(parent, signal.SIGSTOP)
        os.kill(child, signal.SIGSTOP)
        owner.kill()
    wait_until(lambda: is_gone(parent) and is_gone(child), SECONDS, "end of the family")
    wait_until(lambda: not directory.exists(), SECONDS, "removal of the directory")


def test_waiting_ends_only_when_the_last_descendant_has(directory: Path) -> None:
    process = leashed(["sh", "-c", "sleep 1000 & echo $!"], directory)
    child = child_in(directory / "log")
    wait_until(lambda: is_gone(process.pid), SECONDS, "end of the parent")
    with pytest.raises(TimeoutError):
        process.wait(0.1)
    process.signal_all(signal.SIGTERM)
    assert process.wait(SECONDS) == 0
    assert is_gone(child)


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("kill -9 $$", 128 + 9)])
def test_the_exit_status_is_the_commands(directory: Path, command: str, status: int) -> None:
    assert leashed(["sh", "-c", command], directory).wait(SECONDS) == status


def test_a_command_that_is_not_there_is_named(directory: Path) -> None:
    with pytest.raises(StartError, match="no-such-command"):
        leashed(["no-such-command"], directory)
