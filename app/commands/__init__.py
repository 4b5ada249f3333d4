"""The command line: `flask --app app ...`."""

from app.commands.browsing import list_orders, show
from app.commands.group import OrdersGroup
from app.commands.moving import cancel, create, populate, retry
from app.commands.operating import prune, stats, verify, workers
from app.commands.serving import config, key, serve

orders = OrdersGroup(
    "orders",
    commands=[list_orders, show, create, cancel, retry, populate, stats, verify, workers, prune],
    help="""Look after the orders.

    Every command talks to the database alone, so the service may run or not. Ends with status 0 if
    it did what it was asked to, 1 if not, 2 if it was not asked properly.
    """,
)

__all__ = ["config", "key", "orders", "serve"]
