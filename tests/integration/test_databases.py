"""Each test has a database of its own, as a migration leaves it."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from app import schema
from app.clock import utc_now
from app.database import db
from app.orders.model import counters, workers


def worker() -> dict[str, Any]:
    return {
        "host": "host",
        "boot_id": "boot",
        "pid": 1,
        "pid_started": 1,
        "master_pid": 1,
        "slot": 1,
        "version": "1",
        "beat_at": utc_now(),
    }


@pytest.mark.parametrize("visit", ["first", "second"])
def test_no_test_meets_the_rows_or_ids_of_the_one_before(app: Flask, visit: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        assert connection.execute(select(counters)).all() == []
        connection.execute(insert(counters).values(worker_id=1, name="place", value=1))
        made = connection.execute(insert(workers).values(worker()))
        assert made.inserted_primary_key == (1,)


def test_the_schema_is_the_newest(app: Flask) -> None:
    with app.app_context():
        assert schema.is_migrated(db.engine)
        assert {"orders", "workers", "counters"} <= set(inspect(db.engine).get_table_names())


def test_the_text_of_an_error_quotes_no_value(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError) as error:
        connection.execute(text("SELECT :value FROM nowhere"), {"value": "s3cret"})
    assert "s3cret" not in str(error.value)
