"""The checker reads from each database what the service wrote there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy

from app.orders.model import orders
from tests.faults.rows import OrderRow, read_rows

CREATED_AT = datetime(2026, 1, 2, 3, 4, 5, 123456)  # noqa: DTZ001 -- the tables hold naive UTC


@pytest.fixture(params=["sqlite", "mariadb", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that holds nothing."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'orders.db'}"
        return
    server = request.getfixturevalue(f"{request.param}_server")
    server.create_database("rows")
    yield server.url("rows")
    server.drop_database("rows")


def test_a_row_is_read_as_it_was_written(url: str):
    values = {
        "order_id": "A-1",
        "user_id": "Zoë",
        "item_ids": [1, "1", "é"],
        "total_amount": Decimal("9999999999.99"),
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "request_hash": bytes(32),
    }
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        orders.create(connection)
        connection.execute(orders.insert().values(values))
    engine.dispose()

    (row,) = read_rows(url)

    assert row == OrderRow(
        id=1,
        order_id="A-1",
        user_id="Zoë",
        item_ids=[1, "1", "é"],
        total_amount=Decimal("9999999999.99"),
        status="PENDING",
        fence=0,
        attempts=0,
        created_at=CREATED_AT.replace(tzinfo=UTC).timestamp(),
        started_at=None,
        completed_at=None,
    )
