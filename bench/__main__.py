"""The command line: `python -m bench`."""

from pathlib import Path

import click

from bench import costs, run, stages

RESULTS = Path(__file__).parent / "results"
DATABASES = click.Choice(run.KINDS)
PARTS = (*sorted((*run.TARGETS, *run.MEASURED_WITH)), run.PLOT)


@click.group(help=__doc__)
def bench() -> None:
    """Measure."""


@bench.command()
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Repeatable.")
@click.option("--database", multiple=True, type=DATABASES, help="Repeatable.")
@click.option("--into", default=RESULTS, type=click.Path(path_type=Path), help="A directory.")
def targets(only: tuple[str, ...], database: tuple[str, ...], into: Path) -> None:
    """Measure every target and write figures.json, table.md and plot.svg."""
    run.measure(only or PARTS, database or run.KINDS, into)


@bench.command()
@click.option("--database", type=DATABASES, default="mariadb")
@click.option("--seconds", default=6.0, help="Of each turn.")
@click.option("--connections", default=64, help="Requests under way at once.")
@click.option("--rounds", default=3, help="Turns of each application.")
def saturation(database: str, seconds: float, connections: int, rounds: int) -> None:
    """Saturate Flask's no-op and the service in turns, and show what an order costs where."""
    costs.show(database, seconds=seconds, connections=connections, rounds=rounds)


@bench.command("stages")
@click.option("--database", type=DATABASES, default="mariadb")
def show_stages(database: str) -> None:
    """Show what each stage of an order takes, on its own."""
    stages.show(database)


if __name__ == "__main__":
    bench()
