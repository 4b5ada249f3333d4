"""`make demo`: it shows the service under load, says where to look, and leaves nothing behind."""

import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import ROOT
from tests.processes import LeashedProcess, free_port, wait_until

SECONDS = 120


class Demo:
    """A run of the demo on a port of its own."""

    def __init__(self, directory: Path, port: int | str) -> None:
        """Start it, where others ask through a proxy that is not there."""
        directory.mkdir()
        self._log = directory / "log"
        self.process = LeashedProcess(
            [sys.executable, ROOT / "scripts" / "demo.py"],
            directory=directory,
            log=self._log,
            cwd=ROOT,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "PORT": str(port),
                "http_proxy": f"http://127.0.0.1:{free_port()}",
            },
        )

    def printed(self) -> str:
        """Return what it has printed so far."""
        return self._log.read_text()


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator:
    """Start the demo; it ends with the test."""
    demos: list[Demo] = []

    def start(port: int | str) -> Demo:
        demos.append(Demo(tmp_path / "demo", port))
        return demos[-1]

    yield start
    for demo in demos:
        demo.process.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_reports_so_far_and_leaves_no_process(start_demo, signum) -> None:
    port = free_port()
    demo = start_demo(port)
    wait_until(lambda: re.search(r"[1-9]\d* accepted", demo.printed()), SECONDS, "load under way")
    assert f"http://127.0.0.1:{port}/dashboard\n" in demo.printed()
    demo.process.signal(signum)
    assert demo.process.wait(SECONDS) == 130  # of the demo, and then no descendant is left
    assert re.search(r"accepted \d+, not followed to their end \(interrupted\)", demo.printed())
    assert "Traceback" not in demo.printed()


def test_a_demo_whose_port_is_taken_says_so_in_one_sentence(start_demo) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as occupant:
        port = occupant.getsockname()[1]
        demo = start_demo(port)
        assert demo.process.wait(SECONDS) == 1
        assert demo.printed() == (
            f"cannot listen on 127.0.0.1:{port}: {os.strerror(98)}; try PORT=8001 make demo\n"
        )


@pytest.mark.parametrize("port", ["abc", "0", "65536", ""])
def test_a_demo_without_a_port_says_so_in_one_sentence(start_demo, port: str) -> None:
    demo = start_demo(port)
    assert demo.process.wait(SECONDS) == 1
    assert demo.printed() == f"PORT should be a number from 1 to 65535, not {port!r}\n"
