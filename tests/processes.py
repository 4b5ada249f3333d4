"""Processes the tests start: how they are started, waited for and ended."""

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests import leash

POLL_SECONDS = 0.02
LOG_TAIL_LINES = 60
# Below the ephemeral range, from which the kernel may give a port to any connection while its
# server is down; such a connection can even end up connected to itself.
PORTS = range(20_000, 32_000)
_reservations: list[socket.socket] = []


class StartError(Exception):
    """A process did not come up; the message ends with the tail of its log."""


class LeashedProcess:
    """A command with its descendants, which end at `close`, or when this process does."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        directory: Path,
        log: Path,
        cwd: Path,
        account: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `command`, appending what it prints to `log`.

        `directory` is removed if this process dies or closes the command while it runs.
        `account` is who to run as, None for who we are.
        """
        program: list[str | Path] = [sys.executable, "-I", leash.__file__, "--remove", directory]
        if account is not None:
            program += ["--account", account]
        with log.open("ab") as output:
            self._leash = subprocess.Popen(
                [*program, "--", *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=cwd,
                env=env,
                start_new_session=True,  # Ctrl-C is for the tests, which then end what they started
            )
        assert self._leash.stdin is not None
        assert self._leash.stdout is not None
        self._release = self._leash.stdin
        with self._leash.stdout as output_of_leash:
            first_line = output_of_leash.readline()
        if not first_line:
            self.close()
            raise StartError(f"{command[0]} did not start\n{tail(log)}")
        self.pid = int(first_line)
        self._name = Path(command[0]).name
        self._log = log

    def wait_until_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return when `ready()` holds; StartError if it ends first or takes longer, then ended."""
        try:
            wait_until(lambda: not self.running or ready(), seconds, f"{self._name} ready")
        except TimeoutError:
            self.kill()
        if not self.running:
            self.close()
            ended = f"{self._name} did not get ready, exit status {self._leash.returncode}"
            raise StartError(f"{ended}\n{tail(self._log)}")

    @property
    def running(self) -> bool:
        """Whether the command or a descendant of it is there."""
        return self._leash.poll() is None

    def signal(self, signum: int) -> None:
        """Send `signum` to the command alone."""
        leash.signal_each([self.pid], signum)

    def signal_all(self, signum: int) -> None:
        """Send `signum` to the command, then to its descendants."""
        leash.signal_each(leash.descendants(self._leash.pid), signum)

    def wait(self, seconds: float) -> int:
        """Wait for the end of all of it; returns the command's exit status, or TimeoutError."""
        try:
            status = self._leash.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"still running after {seconds} s\n{tail(self._log)}") from error
        self._release.close()
        return status

    def kill(self) -> None:
        """SIGKILL to the command and its descendants; returns when none is left."""
        while self.running:
            self.signal_all(signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        self._release.close()

    def close(self) -> None:
        """End whatever still runs; returns when nothing is left."""
        self._release.close()
        self._leash.wait()


def unprivileged_account() -> str | None:
    """Return whom to run database servers as: they refuse to be root. None if we are not."""
    return "nobody" if os.geteuid() == 0 else None


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens; ours until this process ends."""
    while True:
        port = random.choice(PORTS)
        if _reserve(port) and _is_free(port):
            return port


def _reserve(port: int) -> bool:
    """Whether no other test took it, whose server may only just be starting, or be stopped."""
    reservation = socket.socket(socket.AF_UNIX)
    try:
        reservation.bind(f"\0port {port} of a test")  # a name that is no file: gone with us
    except OSError:
        reservation.close()
        return False
    _reservations.append(reservation)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def wait_until(condition: Callable[[], bool], seconds: float, awaited: str) -> None:
    """Poll until `condition()` holds; TimeoutError naming what was `awaited` after `seconds`.

    A pause between two looks counts as one second at most: while we stood still, others may have.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        slept_at = time.monotonic()
        if slept_at > deadline:
            raise TimeoutError(f"{awaited}: not within {seconds} s")
        time.sleep(POLL_SECONDS)
        deadline += max(0, time.monotonic() - slept_at - 1)


@contextmanager
def no_file_can_be_opened() -> Iterator[None]:
    """Let this process have no further file descriptor, while this lasts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    next_one = os.dup(0)
    os.close(next_one)
    resource.setrlimit(resource.RLIMIT_NOFILE, (next_one, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def tail(log: Path) -> str:
    """Return the last lines of `log`, empty if there is no such file."""
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])
