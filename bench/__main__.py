"""The command line: `python -m bench`."""

import click

from bench import saturation


@click.group(help=__doc__)
def bench() -> None:
    """Measure."""


@bench.command("saturation")
@click.option("--database", type=click.Choice(["mariadb", "sqlite"]), default="mariadb")
@click.option("--seconds", default=6.0, help="Of each turn.")
@click.option("--connections", default=64, help="Requests under way at once.")
@click.option("--rounds", default=3, help="Turns of each application.")
def show_saturation(database: str, seconds: float, connections: int, rounds: int) -> None:
    """Saturate Flask's no-op and the service in turns, and show what an order costs where."""
    saturation.compare(database, seconds=seconds, connections=connections, rounds=rounds)


if __name__ == "__main__":
    bench()
