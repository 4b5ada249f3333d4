"""Which process this is, and which still run."""

import os
import signal
import subprocess

import pytest

from app.processing.identity import own_identity, pid_started
from tests.processes import no_file_can_be_opened, wait_until


def test_this_process_has_the_same_identity_whenever_it_asks() -> None:
    assert own_identity() == own_identity()
    assert own_identity().pid == os.getpid()
    assert own_identity().pid_started == pid_started(os.getpid())


def test_outside_uwsgi_there_is_no_slot() -> None:
    assert (own_identity().slot, own_identity().master_pid) == (0, os.getppid())


def test_an_identity_fits_its_columns() -> None:
    me = own_identity()
    assert 0 < len(me.boot_id) <= 64
    assert 0 < len(me.host) <= 255
    assert 0 < len(me.version) <= 32


def test_a_later_process_has_started_later() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        assert pid_started(process.pid) >= pid_started(os.getpid())
        process.kill()


def test_a_process_that_stands_still_has_not_gone() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        started = pid_started(process.pid)
        process.send_signal(signal.SIGSTOP)
        assert pid_started(process.pid) == started
        process.kill()


def test_a_process_that_died_is_gone_even_before_its_parent_asks() -> None:
    with subprocess.Popen(["sleep", "1000"]) as process:
        process.kill()
        wait_until(lambda: pid_started(process.pid) is None, 5, "end of the process")
    assert pid_started(process.pid) is None


def test_without_a_free_descriptor_there_is_no_telling() -> None:
    with no_file_can_be_opened(), pytest.raises(OSError, match="Too many open files"):
        pid_started(os.getpid())


def test_a_name_with_spaces_and_parentheses_is_read_over(tmp_path) -> None:
    program = tmp_path / "a ) S (1 2"
    program.write_text("#!/bin/sh\nread line\n")
    program.chmod(0o755)
    with subprocess.Popen([program], stdin=subprocess.PIPE) as process:
        assert pid_started(process.pid) >= pid_started(os.getpid())
        process.communicate(b"\n")
