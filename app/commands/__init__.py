"""The command line: `flask --app app ...`."""

from flask import Flask

from app.commands.browsing import list_orders, show
from app.commands.group import OrdersGroup
from app.commands.moving import cancel, create, populate, retry
from app.commands.operating import prune, stats, verify, workers
from app.commands.serving import config, key, serve
from app.migrating import register_migrations

orders = OrdersGroup(
    "orders",
    commands=[list_orders, show, create, cancel, retry, populate, stats, verify, workers, prune],
    help="""Look after the orders.

    Every command talks to the database alone, so the service may run or not. Ends with status 0 if
    it did what it was asked to, 1 if not, 2 if it was not asked properly.
    """,
)


def register_commands(app: Flask) -> None:
    """Add `flask db` and the service's own commands."""
    register_migrations(app)
    for command in (config, key, serve, orders):
        app.cli.add_command(command)
