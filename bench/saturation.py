"""Saturation: every connection busy, as many orders as the service takes in and works off."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.load import Load, post, saturate
from bench.subjects import Databases, Subject, noop, service
from bench.usage import Meter, Usage

WARM_UP_SECONDS = 1
BODIES = [
    {"user_id": user_id, "item_ids": [101, 102, 103], "total_amount": 59.99}
    for user_id in range(1, 1001)
]
ORDERS = [post("/orders", json.dumps(body).encode()) for body in BODIES]
KINDS = ("workers", "router", "database", "generator")


@dataclass(frozen=True, slots=True)
class Saturation:
    """What one turn of saturation has brought."""

    load: Load
    completed: int
    """Orders worked off by the end of the load."""
    drain_seconds: float
    """From the end of the load until the last order was worked off; 0 if nothing was waited for."""
    usage: Mapping[str, Usage]

    @property
    def accepted_per_second(self) -> float:
        """Orders answered with 201."""
        return self.load.created / self.load.seconds

    @property
    def completed_per_second(self) -> float:
        """Orders worked off while the load lasted."""
        return self.completed / self.load.seconds

    @property
    def durable_per_second(self) -> float:
        """Orders accepted and worked off: what the service could go on with for ever."""
        return min(self.accepted_per_second, self.completed_per_second)

    def cpu_microseconds(self, kind: str) -> float:
        """Return the time on a core of this kind of process, per order."""
        return self.usage[kind].cpu_seconds / self.load.created * 1e6

    def switches(self, kind: str) -> float:
        """Return the context switches of this kind of process, per order."""
        return self.usage[kind].switches / self.load.created

    @property
    def foreign_share(self) -> float:
        """Return what others took of the cores, as a share of one."""
        ours = sum(used.cpu_seconds for kind, used in self.usage.items() if kind != "machine")
        return max(0.0, self.usage["machine"].cpu_seconds - ours) / self.load.seconds


def measure(
    subject: Subject,
    databases: Databases,
    *,
    connections: int,
    seconds: float,
    works_off: bool = True,
    drains: bool = True,
    requests: Sequence[bytes] = ORDERS,
) -> Saturation:
    """Saturate a started subject.

    Args:
        subject: What takes the orders.
        databases: Whose processes work for it.
        connections: How many requests are under way at once.
        seconds: How long to send.
        works_off: Whether the subject has a count of completed orders.
        drains: Whether to wait until all are completed.
        requests: What to send, over and over.

    """
    before = subject.completed() if works_off else 0
    kinds = {"generator": [os.getpid()], **subject.pids(), "database": databases.pids()}
    meter = Meter(kinds)
    load = saturate(subject.port, requests, connections=connections, seconds=seconds)
    usage = meter.read()
    completed = subject.completed() - before if works_off else 0
    ended = time.monotonic()
    if works_off and drains:
        subject.wait_until_completed(before + load.created)
    return Saturation(load, completed, time.monotonic() - ended, usage)


def compare(database: str, *, seconds: float, connections: int, rounds: int) -> None:
    """Saturate Flask's no-op and the service in turns; print every turn and what orders cost."""
    table = Table("", "accepted/s", "completed/s", "drain s", "p99 ms", "refused", "ratio")
    for kind in KINDS:
        table.add_column(f"{kind}\nus, switches", justify="right")
    table.add_column("all\nus", justify="right")
    table.add_column("others'\ncores", justify="right")
    with (
        Databases(database) as databases,
        noop() as ceiling,
        service(databases.create("orders")) as ours,
    ):
        ratios = []
        for seconds_of_turn in [WARM_UP_SECONDS, *[seconds] * rounds]:
            turn = {"connections": connections, "seconds": seconds_of_turn}
            most = measure(ceiling, databases, **turn, works_off=False)
            reached = measure(ours, databases, **turn)
            ratios.append(reached.durable_per_second / most.accepted_per_second)
            if len(ratios) > 1:  # the first was to warm up
                table.add_row("no-op", *_row(most, ""))
                table.add_row("service", *_row(reached, f"{ratios[-1]:.3f}"))
    console = Console(width=150)
    console.print(table)
    console.print(f"median ratio on {database}: {median(ratios[1:]):.3f}")


def _row(turn: Saturation, ratio: str) -> list[str]:
    costs = [f"{turn.cpu_microseconds(kind):.0f}, {turn.switches(kind):.2f}" for kind in KINDS]
    return [
        f"{turn.accepted_per_second:.0f}",
        f"{turn.completed_per_second:.0f}",
        f"{turn.drain_seconds:.2f}",
        f"{turn.load.percentile(0.99) * 1000:.1f}",
        str(turn.load.refused),
        ratio,
        *costs,
        f"{sum(map(turn.cpu_microseconds, KINDS)):.0f}",
        f"{turn.foreign_share:.2f}",
    ]
