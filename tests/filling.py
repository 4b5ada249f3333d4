"""Filling the table with orders fast, counters included, as if the service had taken them in."""

from collections import Counter
from datetime import datetime

from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    Select,
    String,
    TextualSelect,
    cast,
    column,
    insert,
    literal,
    select,
    text,
)

from app.clock import utc_now
from app.orders import counters
from app.orders.histogram import bucket
from app.orders.lifecycle import CLAIM, COMPLETE, FOREVER_DUE, PLACE, OrderStatus
from app.orders.model import orders

ROWS_A_COMMIT = 10_000
USERS = 1000


def fill(
    engine: Engine, *, pending: int = 0, completed: int = 0, available_at: datetime = FOREVER_DUE
) -> None:
    """Add so many orders; the completed ones took no time, the others are due at `available_at`."""
    for status, count in ((OrderStatus.COMPLETED, completed), (OrderStatus.PENDING, pending)):
        for first in range(0, count, ROWS_A_COMMIT):
            with engine.begin() as connection:
                rows = min(ROWS_A_COMMIT, count - first)
                _insert(connection, _row(status, first, available_at), rows)
    with engine.begin() as connection:
        at_once = f"le_{bucket(0):02}"
        tally = {PLACE.name: pending + completed, CLAIM.name: completed, COMPLETE.name: completed}
        times = {"waiting_us": 1, "processing_us": 1}
        histogram = {f"waiting_{at_once}": completed, f"processing_{at_once}": completed}
        counters.add(connection, counters.NOBODY, Counter(tally | times | histogram))


def _insert(connection: Connection, row: dict[str, object], count: int) -> None:
    numbers = _numbers(connection.dialect.name, count).subquery()
    rows: Select[object] = select(*row.values()).select_from(numbers)
    connection.execute(insert(orders).from_select(list(row), rows, include_defaults=False))


def _row(status: OrderStatus, first: int, available_at: datetime) -> dict[str, object]:
    number = column("n", Integer) + first
    time = orders.c.created_at.type
    now = literal(utc_now(), time)
    shared = {
        # of equal length, so that they ascend
        "order_id": literal(f"{status}-") + cast(number + 1_000_000_000, String(10)),
        "user_id": cast(number % USERS + 1, String(10)),
        "item_ids": literal([101, 102, 103], orders.c.item_ids.type),
        "total_amount": literal(59.99),
        "status": literal(status, orders.c.status.type),
        "available_at": literal(available_at, time),
        "created_at": now,
        "updated_at": now,
        "request_hash": literal(bytes(32), orders.c.request_hash.type),
    }
    if status is OrderStatus.PENDING:
        return shared
    done = {"fence": literal(2), "attempts": literal(1), "started_at": now, "completed_at": now}
    return shared | done


def _numbers(dialect: str, count: int) -> TextualSelect:
    """Return a query for the numbers from 1 to `count`."""
    numbers = {
        "mysql": f"SELECT seq AS n FROM seq_1_to_{count}",
        "postgresql": f"SELECT n FROM generate_series(1, {count}) AS n",
        "sqlite": (
            "WITH RECURSIVE numbers(n) AS"
            f" (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
            " SELECT n FROM numbers"
        ),
    }
    return text(numbers[dialect]).columns(column("n", Integer))
