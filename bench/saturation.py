"""Saturation: every connection busy, as many orders as the service takes in and works off."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from bench.connections import Load
from bench.load import post, saturate
from bench.subjects import Databases, Subject
from bench.usage import Meter, Usage

CONNECTIONS = 128
WARM_UP_SECONDS = 1.0
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

    @property
    def cpu_microseconds_in_all(self) -> float:
        """Return the same for all of them together, the generator included."""
        return sum(map(self.cpu_microseconds, KINDS))

    def switches(self, kind: str) -> float:
        """Return the context switches of this kind of process, per order."""
        return self.usage[kind].switches / self.load.created

    @property
    def others_cores(self) -> float:
        """Return what others took of the cores, as a share of one."""
        ours = sum(used.cpu_seconds for kind, used in self.usage.items() if kind != "machine")
        return max(0.0, self.usage["machine"].cpu_seconds - ours) / self.load.seconds

    def details(self) -> dict[str, object]:
        """Return the figures by name, rounded, costs per order by kind of process."""
        return {
            "accepted_per_second": round(self.accepted_per_second),
            "completed_per_second": round(self.completed_per_second),
            "refused": self.load.refused,
            "drain_seconds": round(self.drain_seconds, 2),
            "p99_milliseconds": round(self.load.percentile(0.99) * 1000, 1),
            "cpu_microseconds": {kind: round(self.cpu_microseconds(kind)) for kind in KINDS},
            "switches": {kind: round(self.switches(kind), 2) for kind in KINDS},
            "others_cores": round(self.others_cores, 2),
        }


def measure(
    subject: Subject,
    databases: Databases,
    *,
    seconds: float,
    connections: int = CONNECTIONS,
    works_off: bool = True,
    drains: bool = True,
) -> Saturation:
    """Saturate a started subject.

    Args:
        subject: What takes the orders.
        databases: Whose processes work for it.
        seconds: How long to send.
        connections: How many requests are under way at once.
        works_off: Whether the subject has a count of completed orders.
        drains: Whether to wait until all are completed.

    """
    before = subject.completed() if works_off else 0
    kinds = {"generator": [os.getpid()], **subject.pids(), "database": databases.pids()}
    meter = Meter(kinds)
    load = saturate(subject.port, ORDERS, connections=connections, seconds=seconds)
    usage = meter.read()
    completed = subject.completed() - before if works_off else 0
    ended = time.monotonic()
    if works_off and drains:
        subject.wait_until_completed(before + load.created)
    return Saturation(load, completed, time.monotonic() - ended, usage)
