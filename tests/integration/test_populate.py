"""Filling the table with made-up orders."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.orders import populating
from app.settings import Settings
from tests.integration.moves import all_rows, differences, totals
from tests.integration.test_problems import ClientOf


def populate(client: FlaskClient, *, key: str | None = None, **members: Any) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/orders/populate", json=members, headers=headers)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit every two orders."""
    monkeypatch.setattr(populating, "ORDERS_PER_COMMIT", 2)


def test_as_many_orders_as_asked_for_are_written(client: FlaskClient, engine: Engine) -> None:
    answer = populate(client, total_entries=4, batch_id="optional")
    assert answer.status_code == 201
    assert answer.json == {
        "batch_id": "optional",
        "total_entries": 4,
        "success_count": 4,
        "failure_count": 0,
        "errors": [],
    }
    assert totals(engine) == {"place": 4}
    assert differences(engine) == []
    for row in all_rows(engine):
        assert client.get(f"/orders/{row.order_id}").json["status"] == "PENDING"


def test_the_same_batch_again_is_written_again_unless_it_has_a_key(
    client: FlaskClient, engine: Engine
) -> None:
    first = populate(client, total_entries=2, batch_id="b")
    assert first.json == populate(client, total_entries=2, batch_id="b").json
    assert len(all_rows(engine)) == 4


def test_a_batch_without_an_id_is_named_after_its_first_order(
    client: FlaskClient, engine: Engine, small_parts: None
) -> None:
    answer = populate(client, total_entries=5)
    assert answer.json["batch_id"] == all_rows(engine)[0].order_id
    assert answer.json["success_count"] == len(all_rows(engine)) == 5


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"total_entries": 0},
        {"total_entries": -1},
        {"total_entries": 100_001},
        {"total_entries": "4"},
        {"total_entries": 4.0},
        {"total_entries": True},
        {"total_entries": 4, "batch_id": ""},
        {"total_entries": 4, "batch_id": "x" * 65},
        {"total_entries": 4, "batch_id": 7},
        {"total_entries": 4, "size": 1},
    ],
)
def test_a_body_that_asks_for_something_else_is_refused(
    client: FlaskClient, engine: Engine, members: dict[str, Any]
) -> None:
    answer = populate(client, **members)
    assert answer.status_code == 400
    assert answer.json["errors"]
    assert all_rows(engine) == []


def test_the_same_request_with_the_same_key_writes_nothing_more(
    client: FlaskClient, engine: Engine, small_parts: None
) -> None:
    first = populate(client, total_entries=5, key="key-1")
    again = populate(client, total_entries=5, key="key-1")
    assert again.json == first.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert populate(client, total_entries=6, key="key-1").status_code == 422
    assert len(all_rows(engine)) == 5


@pytest.fixture
def crowded(settings: Settings, client_of: ClientOf) -> FlaskClient:
    """A client of a service that takes no further order in once four wait."""
    return client_of(settings.model_copy(update={"max_backlog": 4}))


def test_a_batch_that_breaks_off_says_how_far_it_came_and_its_key_completes_it(
    client: FlaskClient, crowded: FlaskClient, engine: Engine, small_parts: None
) -> None:
    answer = populate(crowded, total_entries=9, key="key-1")
    assert answer.status_code == 201
    assert (answer.json["success_count"], answer.json["failure_count"]) == (4, 5)
    assert answer.json["errors"] == [{"detail": "too many orders are waiting, try again later"}]
    again = populate(client, total_entries=9, key="key-1")
    assert (again.json["success_count"], again.json["batch_id"]) == (9, answer.json["batch_id"])
    assert "Idempotent-Replayed" not in again.headers
    assert totals(engine) == {"place": 9}


def test_a_batch_that_cannot_even_begin_is_refused(
    crowded: FlaskClient, engine: Engine, small_parts: None
) -> None:
    populate(crowded, total_entries=4)
    answer = populate(crowded, total_entries=4)
    assert (answer.status_code, answer.json["code"]) == (503, "backlog_full")
    assert len(all_rows(engine)) == 4
