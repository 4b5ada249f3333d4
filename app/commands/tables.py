"""Printing for people, in tables, and for programs, in JSON."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH: Final = 200
"""Columns where there is no terminal whose width counts."""
_IN_ONE_PIECE: Final = frozenset({"order id", "current order"})
"""Columns of what one copies: never broken over lines, while others fold beside them."""
_FOLDED_WIDTH: Final = 5
"""What a column takes that is folded as far as can be read: two characters and a gap."""
_UNFOLDED_WIDTH: Final = 1000
"""More than any table needs: the terminal breaks its lines."""


def print_json(document: object) -> None:
    """Print the document on one line."""
    click.echo(json.dumps(document))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a row under another; numbers stand right, None is a dash."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading in _IN_ONE_PIECE)
    narrowest = 0
    for row in rows:
        cells = [_cell(value) for value in row]
        table.add_row(*cells)
        widths = (
            cell.cell_len if heading in _IN_ONE_PIECE else _FOLDED_WIDTH
            for heading, cell in zip(headings, cells, strict=True)
        )
        narrowest = max(narrowest, 1 + sum(widths) + 1)  # a blank at either end
    _print(table, narrowest)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print a value under another, each behind its name."""
    grid = Table.grid(padding=(0, 2))
    for name, value in fields.items():
        grid.add_row(name.replace("_", " "), Text(_text(value)))
    _print(grid)


def printable(text: str) -> str:
    """Return the text with whatever a terminal would obey replaced."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _print(table: Table, narrowest: int = 0) -> None:
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    if console.width < narrowest:
        console.width = _UNFOLDED_WIDTH
    console.print(table)


def _cell(value: object) -> Text:
    return Text(_text(value), justify="right" if isinstance(value, int | float) else "left")


def _text(value: object) -> str:
    match value:
        case None:
            return "-"
        case float():
            return f"{value:,.3f}"
        case list():
            return printable(", ".join(map(str, value)))
    return printable(str(value))
