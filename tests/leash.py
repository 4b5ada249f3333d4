"""Run a command so that nothing of it outlives the process that asked for it.

The asking process holds the other end of this program's standard input. When that end closes,
because it was closed or because its holder died of whatever cause, SIGKILL included, the command
and all its descendants are made to end, stopped ones too, and the directory is removed.
The command's pid is the only line on standard output; the exit status is the command's,
or 128 and the number of the signal that killed it.
"""

import argparse
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

GRACE_SECONDS = 1
PR_SET_CHILD_SUBREAPER = 36  # from <sys/prctl.h>


def main() -> int:
    """Run the command of the command line until it and its descendants have ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--account", help="the account the command runs as, if not this one")
    parser.add_argument("--remove", required=True, metavar="DIRECTORY")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    # Orphans of the command become children of this process: none is lost from sight.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    command = subprocess.Popen(
        asked.command, stdin=subprocess.DEVNULL, stdout=sys.stderr, **as_account(asked.account)
    )
    sys.stdout.write(f"{command.pid}\n")
    sys.stdout.flush()
    released = threading.Event()
    threading.Thread(target=_end_on_release, args=(command.pid, released), daemon=True).start()
    status = _reap(command.pid)
    if released.is_set():
        shutil.rmtree(asked.remove, ignore_errors=True)
    return status


def as_account(account: str | None) -> dict[str, Any]:
    """Return what `subprocess` takes to run a command as `account`; None changes nothing."""
    if account is None:
        return {}
    entry = pwd.getpwnam(account)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def descendants(ancestor: int) -> list[int]:
    """Return the pids of the living below `ancestor`, parents before their children."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in parentheses may hold spaces and parentheses of its own.
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended since the listing
            continue
        if state != "Z":
            children.setdefault(int(parent), []).append(int(entry.parent.name))
    found = [ancestor]
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return found[1:]


def signal_each(pids: list[int], signum: int) -> None:
    """Send `signum` to those of `pids` that are still there."""
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def _end_on_release(command: int, released: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    released.set()
    # A moment for PostgreSQL to remove its shared memory, which the kernel would keep.
    signal_each([command], signal.SIGQUIT)
    signal_each(descendants(os.getpid()), signal.SIGCONT)
    time.sleep(GRACE_SECONDS)
    while True:  # until the main thread has reaped the last one and ends the process
        signal_each(descendants(os.getpid()), signal.SIGKILL)
        time.sleep(0.01)


def _reap(command: int) -> int:
    status = 0
    while True:
        try:
            pid, ended = os.wait()
        except ChildProcessError:  # none left
            return status
        if pid == command:
            status = os.waitstatus_to_exitcode(ended)
            status = 128 - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main())
