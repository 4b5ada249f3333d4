"""Which process this is, and whether another one on this host still runs."""

import os
import socket
from pathlib import Path

from app.orders.workers import ProcessIdentity
from app.version import __version__


def own_identity() -> ProcessIdentity:
    """Return this process's identity; under uWSGI with its slot and master."""
    try:
        import uwsgi  # noqa: PLC0415 -- exists only inside uWSGI
    except ImportError:  # not under uWSGI: a test, the command line
        slot, master_pid = 0, os.getppid()
    else:
        slot, master_pid = uwsgi.worker_id(), uwsgi.masterpid()
    return ProcessIdentity(
        host=socket.gethostname(),
        boot_id=_boot_id(),
        pid=os.getpid(),
        pid_started=pid_started(os.getpid()) or 0,
        master_pid=master_pid,
        slot=slot,
        version=__version__,
    )


def pid_started(pid: int) -> int | None:
    """Return when the process started, in ticks since boot; None if there is no such process.

    Raises:
        OSError: There is no telling, for want of file descriptors or of memory.

    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold anything; the start is the 22nd field of all.
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])


def _boot_id() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    return f"{boot}/{namespace}"
