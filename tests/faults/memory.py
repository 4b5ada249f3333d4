"""Memory that some processes have together, and no more."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.leash import descendants
from tests.processes import wait_until

MEBIBYTE = 1024 * 1024
V1 = Path("/sys/fs/cgroup/memory")


@contextmanager
def memory_group(name: str, mebibytes: int) -> Iterator[Path | None]:
    """Make a control group with so much memory; None where there is none to be had.

    Only those who allocate should `join` it: until the memory of one that was killed is free again
    the kernel kills the others in the group, one after the other and uWSGI's master with them.
    """
    group = V1 / name
    try:
        group.mkdir()
    except OSError:
        yield None
        return
    try:
        (group / "memory.limit_in_bytes").write_text(str(mebibytes * MEBIBYTE))
        yield group
    finally:
        _dissolve(group)


def join(group: Path) -> None:
    """Let what this process allocates from now on count in the group."""
    (group / "cgroup.procs").write_text("0")


def kills(group: Path) -> int:
    """Return how often the kernel killed somebody for the group's memory."""
    return int((group / "memory.oom_control").read_text().split()[-1])


def limit_address_space(pid: int, mebibytes: int) -> None:
    """Let a process, and each that it starts or has started, have so much address space.

    Nobody is killed for that: whoever allocates more gets a MemoryError.
    """
    for each in [pid, *descendants(pid)]:
        resource.prlimit(each, resource.RLIMIT_AS, (mebibytes * MEBIBYTE,) * 2)


def _dissolve(group: Path) -> None:
    for pid in (group / "cgroup.procs").read_text().split():
        (V1 / "cgroup.procs").write_text(pid)
    wait_until(lambda: not (group / "cgroup.procs").read_text(), 5, "processes out of the group")
    group.rmdir()
