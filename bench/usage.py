"""What processes use, as the kernel counts it in /proc."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What some processes have used so far, or between two looks."""

    cpu_seconds: float
    switches: int
    """How often one of their threads left a core, whether it wanted to or not."""

    def __sub__(self, earlier: Self) -> "Usage":
        """Return what was used since an earlier look."""
        return Usage(self.cpu_seconds - earlier.cpu_seconds, self.switches - earlier.switches)


class Meter:
    """Measures kinds of processes between its making and `read`.

    Args:
        kinds: The pids of each kind; they live until `read`.

    """

    def __init__(self, kinds: Mapping[str, Sequence[int]]) -> None:
        self._kinds = kinds
        self._before = self._look()

    def read(self) -> dict[str, Usage]:
        """Return what each kind has used since."""
        now = self._look()
        return {kind: now[kind] - before for kind, before in self._before.items()}

    def _look(self) -> dict[str, Usage]:
        return {kind: _total(pids) for kind, pids in self._kinds.items()} | {
            "machine": Usage(_machine_cpu_seconds(), 0)
        }


def _total(pids: Sequence[int]) -> Usage:
    each = [_of_process(Path(f"/proc/{pid}")) for pid in pids]
    return Usage(sum(one.cpu_seconds for one in each), sum(one.switches for one in each))


def _of_process(process: Path) -> Usage:
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    switches = 0
    for task in process.glob("task/*/status"):
        counts = [line for line in task.read_text().splitlines() if "ctxt_switches" in line]
        switches += sum(int(line.split()[1]) for line in counts)
    return Usage((int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND, switches)


def _machine_cpu_seconds() -> float:
    """Return what all processes have used, and what other machines took from this one."""
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = (
        int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_SECOND
