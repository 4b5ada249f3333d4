"""Commands that look at orders."""

from collections.abc import Mapping
from typing import Final

import click

from app.api.documents import order_document
from app.api.list_query import ListQuery
from app.commands.group import json_option, service
from app.commands.options import read
from app.commands.tables import print_fields, print_json, print_table
from app.database import AnyRow
from app.orders.listing import Selection

PAGE: Final = 200
"""Orders to read at once."""
_HEADINGS: Final = ("order id", "status", "user id", "total amount", "created at", "seconds")


@click.command("list")
@click.option("--status", help="Only those that stand there, such as FAILED.")
@click.option("--user-id", help="Only this user's.")
@click.option("--created-from", help="Only those created then or later; UTC: 2026-01-31T18:30.")
@click.option("--created-to", help="Only those created then or earlier; UTC.")
@click.option("--oldest-first", is_flag=True, help="Begin at the other end.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most."
)
@json_option
def list_orders(*, oldest_first: bool, limit: int, as_json: bool, **filters: str | None) -> None:
    """List orders, newest first."""
    query = read(ListQuery, **filters, sort="id" if oldest_first else None)
    documents = [order_document(row) for row in _rows(query.selection, limit)]
    if as_json:
        print_json(documents)
    elif documents:
        print_table(_HEADINGS, [_line(each) for each in documents])
    else:
        click.echo("No orders.")


@click.command()
@click.argument("order_id")
@json_option
def show(order_id: str, *, as_json: bool) -> None:
    """Show one order."""
    document = order_document(service().get(order_id))
    if as_json:
        print_json(document)
    else:
        print_fields(document | {"total_amount": _amount(document)})


def _rows(selection: Selection, limit: int) -> list[AnyRow]:
    rows: list[AnyRow] = []
    after: int | None = None
    while len(rows) < limit:
        page = service().page(selection, limit=min(PAGE, limit - len(rows)), after=after)
        rows += page.rows
        after = page.next_after
        if after is None:
            break
    return rows


def _line(document: Mapping[str, object]) -> tuple[object, ...]:
    return (
        document["order_id"],
        document["status"],
        document["user_id"],
        _amount(document),
        document["created_at"],
        document["total_duration"],
    )


def _amount(document: Mapping[str, object]) -> str:
    return f"{document['total_amount']:.2f}"
