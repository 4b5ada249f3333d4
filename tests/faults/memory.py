"""A limit on the memory of a process and what it starts."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.leash import descendants
from tests.processes import wait_until

MEBIBYTE = 1024 * 1024
V1 = Path("/sys/fs/cgroup/memory")


@contextmanager
def memory_limited(name: Path, pid: int, mebibytes: int) -> Iterator[Callable[[], int]]:
    """Let a process and its descendants have so much together, while this lasts.

    Yields a function that returns how often the kernel killed one of them for it. Where there is no
    control group to be had, each process gets the limit as its address space: nobody is killed
    then, whoever allocates gets a MemoryError, and each of those counts as one.
    """
    group = V1 / name
    try:
        group.mkdir()
    except OSError:
        for each in [pid, *descendants(pid)]:
            resource.prlimit(each, resource.RLIMIT_AS, (mebibytes * MEBIBYTE,) * 2)
        yield lambda: 1
        return
    try:
        (group / "memory.limit_in_bytes").write_text(str(mebibytes * MEBIBYTE))
        for each in [pid, *descendants(pid)]:
            (group / "cgroup.procs").write_text(str(each))
        yield lambda: int((group / "memory.oom_control").read_text().split()[-1])
    finally:
        _dissolve(group)


def _dissolve(group: Path) -> None:
    for pid in (group / "cgroup.procs").read_text().split():
        (V1 / "cgroup.procs").write_text(pid)
    wait_until(lambda: not (group / "cgroup.procs").read_text(), 5, "processes out of the group")
    group.rmdir()
