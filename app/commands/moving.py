"""Commands that place and move orders."""

import hashlib

import click

from app.api.bulk_request import MAX_ENTRIES
from app.api.documents import order_document
from app.api.drafts import content_hash, draft_of
from app.api.schemas import NewOrder
from app.commands.group import bulk, json_option, manual, service
from app.commands.options import read
from app.commands.tables import print_json
from app.database import AnyRow
from app.orders.identifiers import shown
from app.orders.populating import populate as write_made_up


@click.command()
@click.option("--user-id", required=True, help="Whose order it is.")
@click.option("--item-ids", required=True, help="What is ordered, separated by commas.")
@click.option("--total-amount", required=True, help="What it costs, such as 59.99.")
@click.option("--order-id", help="Its name; without it the service makes one.")
@json_option
def create(
    user_id: str, item_ids: str, total_amount: str, order_id: str | None, *, as_json: bool
) -> None:
    """Place an order; a running service works it off."""
    order = read(
        NewOrder,
        user_id=user_id,
        item_ids=[shown(item_id.strip()) for item_id in item_ids.split(",")],
        total_amount=total_amount,
        order_id=order_id,
    )
    draft = draft_of(order, request_hash=content_hash(order))
    (placed,) = service().place([draft])
    if isinstance(placed, Exception):
        raise placed
    _print_order(service().get(draft.order_id), as_json=as_json)


@click.command()
@click.argument("order_id")
@json_option
def cancel(order_id: str, *, as_json: bool) -> None:
    """Take an order back that no worker has claimed yet."""
    _print_order(manual().cancel(order_id), as_json=as_json)


@click.command()
@click.argument("order_id")
@json_option
def retry(order_id: str, *, as_json: bool) -> None:
    """Send an order round again that is FAILED or CANCELLED."""
    _print_order(manual().retry(order_id), as_json=as_json)


@click.command()
@click.argument("total_entries", type=click.IntRange(1, MAX_ENTRIES))
@json_option
def populate(total_entries: int, *, as_json: bool) -> None:
    """Place made-up orders, to try the service out."""
    request_hash = hashlib.sha256(f"populate {total_entries}".encode()).digest()
    population = write_made_up(bulk().place, total_entries, request_hash=request_hash)
    if as_json:
        print_json({"total_entries": total_entries, "success_count": population.written})
    else:
        click.echo(f"Placed {population.written} orders.")
    if population.error is not None:
        raise click.ClickException(f"the others could not be placed: {population.error}")


def _print_order(row: AnyRow, *, as_json: bool) -> None:
    if as_json:
        print_json(order_document(row))
    else:
        click.echo(f"Order {row.order_id} is {row.status}.")
