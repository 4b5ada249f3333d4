"""Writing orders down, and counting them."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from app.orders import counters, store
from app.orders.lifecycle import PLACE, Draft


def write_orders(connection: Connection, drafts: Sequence[Draft], *, worker_id: int) -> list[int]:
    """-> PENDING, counted in the same round trip; returns the rows' ids in the drafts' order.

    Args:
        connection: In a transaction.
        drafts: At least one.
        worker_id: Who counts them.

    Raises:
        IntegrityError: An `order_id` or an idempotency key is taken; nothing was written.

    """
    count = counters.adding(connection, worker_id, Counter({PLACE.name: len(drafts)}))
    return store.place(connection, drafts, *count)
