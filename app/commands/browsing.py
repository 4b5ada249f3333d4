"""Commands that look at orders."""

import click

from app.api.documents import order_document
from app.commands.group import json_option, service
from app.commands.tables import print_fields, print_json


@click.command()
@click.argument("order_id")
@json_option
def show(order_id: str, *, as_json: bool) -> None:
    """Show one order."""
    document = order_document(service().get(order_id))
    if as_json:
        print_json(document)
    else:
        print_fields(document | {"total_amount": f"{document['total_amount']:.2f}"})
