"""A network of its own between a service and its database, whose cable can be pulled."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.live import ROOT
from tests.processes import LeashedProcess, free_port

IP = shutil.which("ip", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
READY_SECONDS = 10


def no_namespaces() -> str | None:
    """Return a sentence if network namespaces cannot be made here."""
    if IP is None:
        return "ip not found: install iproute2"
    if os.geteuid() != 0:
        return "network namespaces take root"
    trial = f"faults-{os.getpid()}-trial"
    made = subprocess.run([IP, "netns", "add", trial], capture_output=True, check=False)
    if made.returncode:
        return f"no network namespace to be had: {made.stderr.decode().strip()}"
    _ip("netns", "delete", trial)
    return None


class Link:
    """A pair of interfaces; at the far end, in a namespace, the database seems to listen.

    Args:
        number: 0 to 63, of its own for every link there is at a time.
        database_socket: The Unix socket of the database.
        directory: For the log.

    """

    def __init__(self, number: int, database_socket: Path, directory: Path) -> None:
        pid = os.getpid()  # other runs may be under way
        network = f"10.{128 + pid // 256 % 128}.{pid % 256}"
        self.host = f"{network}.{4 * number + 2}"
        self.port = free_port()
        self._near = f"{network}.{4 * number + 1}"
        self._name = f"faults-{pid}-{number}"
        self._ends = f"fa{pid}n{number}", f"fa{pid}f{number}"
        self._socket = database_socket
        self._directory = directory / self._name
        self._forwarder: LeashedProcess | None = None

    def __enter__(self) -> Self:
        """Plug the cable in."""
        near, far = self._ends
        self._directory.mkdir()
        _ip("netns", "add", self._name)
        try:
            _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self._name)
            _ip("address", "add", f"{self._near}/30", "dev", near)
            _ip("link", "set", near, "up")
            _ip("-n", self._name, "address", "add", f"{self.host}/30", "dev", far)
            _ip("-n", self._name, "link", "set", far, "up")
            self._forwarder = self._forward()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove all of it."""
        if self._forwarder is not None:
            self._forwarder.close()
        # First, for the kernel takes its time over those of a namespace that goes away.
        subprocess.run([str(IP), "link", "delete", self._ends[0]], capture_output=True, check=False)
        _ip("netns", "delete", self._name)

    def cut(self) -> None:
        """Take the far interface down: nobody is told."""
        _ip("-n", self._name, "link", "set", self._ends[1], "down")

    def restore(self) -> None:
        """Take it up again."""
        _ip("-n", self._name, "link", "set", self._ends[1], "up")

    def _forward(self) -> LeashedProcess:
        arguments = [self.host, str(self.port), str(self._socket)]
        python = [sys.executable, "-m", "tests.faults.forwarder", *arguments]
        process = LeashedProcess(
            [str(IP), "netns", "exec", self._name, *python],
            directory=self._directory,
            log=self._directory / "log",
            cwd=ROOT,
        )
        process.wait_until_ready(self._answers, READY_SECONDS)
        return process

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError:
            return False
        return True


def _ip(*arguments: str) -> None:
    subprocess.run([str(IP), *arguments], check=True, capture_output=True)
