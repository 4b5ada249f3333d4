"""Where the time of an order goes, process by process, while everything is saturated."""

from statistics import median

from rich.console import Console
from rich.table import Table

from bench.ceiling import turns
from bench.saturation import KINDS, Saturation
from bench.subjects import Databases, noop, service


def show(kind: str, *, seconds: float, connections: int, rounds: int) -> None:
    """Saturate Flask's no-op and the service in turns; print every turn and what orders cost."""
    table = Table("", "accepted/s", "completed/s", "drain s", "p99 ms", "refused", "ratio")
    for each in (*KINDS, "all"):
        table.add_column(f"{each}\nµs" + (", switches" if each in KINDS else ""), justify="right")
    table.add_column("others'\ncores", justify="right")
    ratios = []
    with (
        Databases(kind) as databases,
        noop() as ceiling,
        service(databases.create("orders")) as ours,
    ):
        options = {"seconds": seconds, "rounds": rounds, "connections": connections}
        for most, reached in turns(ceiling, ours, databases, **options):
            ratios.append(reached.durable_per_second / most.accepted_per_second)
            table.add_row("no-op", *_row(most, ""))
            table.add_row("service", *_row(reached, f"{ratios[-1]:.3f}"))
    console = Console(width=150)
    console.print(table)
    console.print(f"median ratio on {kind}: {median(ratios):.3f}")


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
        f"{turn.cpu_microseconds_in_all:.0f}",
        f"{turn.others_cores:.2f}",
    ]
