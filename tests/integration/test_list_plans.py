"""What the databases do for a page: they walk an index, whatever is asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, product
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, event, insert, text

from app.orders.lifecycle import ENDS, FOREVER_DUE, OrderStatus
from app.orders.listing import Selection, read_page
from app.orders.model import orders
from app.orders.queries import NAMES, SHOWN

ROWS = 10_000
FIRST_CREATED = datetime(2026, 1, 1)  # noqa: DTZ001 -- as the tables hold it
BETWEEN_ORDERS = timedelta(seconds=10)
OFTEN = OrderStatus.COMPLETED

SELECTIONS = [
    Selection(status, user_id, created_from, created_to, oldest_first)
    for status, user_id, created_from, created_to, oldest_first in product(
        [None, *OrderStatus],
        [None, "often", "seldom"],
        [None, FIRST_CREATED + 2_000 * BETWEEN_ORDERS],
        [None, FIRST_CREATED + 8_000 * BETWEEN_ORDERS],
        [False, True],
    )
]


def order(number: int) -> dict[str, Any]:
    """Return the columns of an order; most are completed, and most of one user."""
    status = list(OrderStatus)[number // 50 % 5] if number % 50 == 0 else OFTEN
    created = FIRST_CREATED + number * BETWEEN_ORDERS
    retried = status not in ENDS and number % 100 == 0
    return {
        "order_id": f"order-{number}",
        "user_id": "seldom" if number % 100 == 1 else "often",
        "item_ids": [1],
        "total_amount": 1,
        "status": status,
        "owner_id": 1,
        "available_at": created if retried else FOREVER_DUE,
        "created_at": created,
        "started_at": None if status is OrderStatus.PENDING else created,
        "completed_at": created if status in ENDS else None,
        "updated_at": created,
        "request_hash": bytes(32),
    }


@pytest.fixture
def connection(engine: Engine) -> Any:
    """A connection to a database with many orders, which knows how they are spread."""
    with engine.begin() as filling:
        filling.execute(insert(orders), [order(number) for number in range(ROWS)])
        analyze = "ANALYZE TABLE orders" if engine.dialect.name == "mysql" else "ANALYZE"
        filling.execute(text(analyze))
    with engine.connect() as connection:
        yield connection


def explained(
    connection: Connection, selection: Selection, columns: Sequence[Column[Any]]
) -> list[Any]:
    """Return the plan of each statement that reads a page, the last being the page itself."""
    statements: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, sql: str, parameters: Any, *_: object) -> None:
        statements.append((sql, parameters))

    event.listen(connection, "before_cursor_execute", note)
    read_page(connection, selection, limit=50, columns=columns)
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return [
        connection.exec_driver_sql(f"{explain} {sql}", parameters).all()
        for sql, parameters in statements
    ]


def scans(dialect: str, line: Any) -> bool:
    """Tell whether this step of a plan reads all of the table, or of an index."""
    match dialect:
        case "sqlite":
            return line.detail.startswith("SCAN orders")
        case "mysql":
            return line.table == "orders" and line.type not in {"range", "ref", "eq_ref", "const"}
        case _:
            return "Seq Scan" in line[0]


def sorts(dialect: str, line: Any) -> bool:
    """Tell whether this step sorts what it has read; PostgreSQL does so when it is little."""
    match dialect:
        case "sqlite":
            return "TEMP B-TREE" in line.detail
        case "mysql":
            return "filesort" in (line.Extra or "")
        case _:
            return False


def index_of(selection: Selection) -> str:
    """Return what the name of the index to walk has in it."""
    if selection.status or selection.user_id:
        return "ix_orders"
    return "PRIMARY"


@pytest.mark.parametrize("columns", [SHOWN, NAMES])
def test_a_page_walks_an_index_and_sorts_only_orders_that_were_retried(
    connection: Connection, columns: Sequence[Column[Any]]
) -> None:
    dialect = connection.dialect.name
    for selection in SELECTIONS:
        plans = explained(connection, selection, columns)
        for line in chain(*plans):
            assert not scans(dialect, line), (selection, line)
            assert not sorts(dialect, line) or selection.status not in ENDS, (selection, line)
        if dialect != "postgresql":  # that knows when walking all orders finds enough soon enough
            wanted = index_of(selection)
            assert any(wanted in str(line) for line in plans[-1]), (selection, plans[-1])
