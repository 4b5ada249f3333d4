"""The requests that earlier clients send, as the contract has them."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.api import earlier
from app.clock import utc_now
from app.orders.lifecycle import COMPLETE, FAIL
from tests.builders import ending
from tests.integration.moves import all_rows, claim, seen, settle

ORDER = {"user_id": 1, "item_ids": [1, 2, 3, 4, 5], "total_amount": 1234}


def placed(client: FlaskClient, *order_ids: str) -> list[int]:
    """Place orders with these ids; returns what the database called them."""
    answers = [client.post("/orders", json=ORDER | {"order_id": each}) for each in order_ids]
    return [answer.json["id"] for answer in answers]


def complete(engine: Engine, row_id: int, seconds: float = 0) -> None:
    began = utc_now() + timedelta(seconds=1)
    done = began + timedelta(seconds=seconds)
    (held,) = claim(engine, seen(engine, [row_id]))
    settle(engine, [ending(held, COMPLETE, started_at=began, ended_at=done)])


# --- POST /order/create-order --------------------------------------------------------------------


def test_an_order_is_created_and_its_id_answered(client: FlaskClient) -> None:
    answer = client.post("/order/create-order", json=ORDER)
    assert answer.status_code == 201
    order_id = answer.json["data"]["order_id"]
    assert answer.json == {"status": 201, "data": {"order_id": order_id}}
    assert answer.headers["Location"] == f"/orders/{order_id}"
    assert client.get(f"/orders/{order_id}").json["total_amount"] == 1234


def test_a_key_is_good_here_too(client: FlaskClient, engine: Engine) -> None:
    headers = {"Idempotency-Key": "key-1"}
    first = client.post("/order/create-order", json=ORDER, headers=headers)
    again = client.post("/order/create-order", json=ORDER, headers=headers)
    elsewhere = client.post("/orders", json=ORDER, headers=headers)
    assert again.json == first.json
    assert elsewhere.json["order_id"] == first.json["data"]["order_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    other = client.post("/order/create-order", json=ORDER | {"user_id": 2}, headers=headers)
    assert other.status_code == 422
    assert len(all_rows(engine)) == 1


def test_a_bad_body_is_told_as_everywhere(client: FlaskClient) -> None:
    answer = client.post("/order/create-order", json={"user_id": 1})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_order")


# --- GET /order/status/<status> ------------------------------------------------------------------


@pytest.mark.parametrize("status", ["completed", "COMPLETED", "Completed"])
def test_the_orders_of_a_status_are_listed_newest_first(
    client: FlaskClient, engine: Engine, status: str
) -> None:
    first, _, third = placed(client, "A", "B", "C")
    complete(engine, first)
    complete(engine, third)
    answer = client.get(f"/order/status/{status}")
    assert answer.status_code == 200
    assert [order["order_id"] for order in answer.json] == ["C", "A"]
    assert answer.json[1] == client.get("/orders/A").json | {"items_id": [1, 2, 3, 4, 5]}


def test_a_list_of_a_status_has_an_end(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(client, "A", "B", "C")
    assert earlier.MAX_LISTED == 200
    monkeypatch.setattr(earlier, "MAX_LISTED", 2)
    assert [order["order_id"] for order in client.get("/order/status/pending").json] == ["C", "B"]
    assert client.get("/order/status/failed").json == []


@pytest.mark.parametrize("status", ["done", "PENDING%20", "%00", "x" * 1000])
def test_a_status_that_is_none_is_refused(client: FlaskClient, status: str) -> None:
    answer = client.get(f"/order/status/{status}")
    assert (answer.status_code, answer.json["code"]) == (400, "unknown_status")


# --- GET /metrics/<order_id> ---------------------------------------------------------------------


def test_an_order_that_is_done_tells_how_long_it_took(client: FlaskClient, engine: Engine) -> None:
    (row_id,) = placed(client, "A")
    complete(engine, row_id, 6.236)
    answer = client.get("/metrics/A")
    order = client.get("/orders/A").json
    assert answer.status_code == 200
    assert answer.json == {
        **{name: order[name] for name in ("order_id", "status", "created_at", "updated_at")},
        **{f"{part}_duration": order[f"{part}_duration"] for part in ("pending", "processing")},
        "total_duration": order["total_duration"],
        "processing_time": "6.24 seconds",
    }


def test_an_order_that_is_not_done_has_no_processing_time(
    client: FlaskClient, engine: Engine
) -> None:
    (row_id,) = placed(client, "A")
    assert client.get("/metrics/A").json["processing_time"] is None
    (held,) = claim(engine, seen(engine, [row_id]))
    assert client.get("/metrics/A").json["processing_time"] is None
    settle(engine, [ending(held, FAIL)])
    assert client.get("/metrics/A").json["processing_time"] == "0.00 seconds"


def test_an_order_that_never_ran_has_none_either(client: FlaskClient) -> None:
    placed(client, "A")
    client.post("/orders/A/cancel")
    assert client.get("/metrics/A").json["processing_time"] is None


def test_an_order_that_is_not_there_has_no_metrics(client: FlaskClient) -> None:
    answer = client.get("/metrics/A")
    assert (answer.status_code, answer.json["error"]) == (404, "Order not found")


# --- GET /orders/metrics -------------------------------------------------------------------------


def test_the_totals_are_those_of_the_metrics(client: FlaskClient, engine: Engine) -> None:
    first, second, *_ = placed(client, "A", "B", "C", "D")
    complete(engine, first, 2)
    complete(engine, second, 4)
    claim(engine, seen(engine, [3]))
    totals = client.get("/metrics").json
    assert client.get("/orders/metrics").json == {
        "total_orders": 4,
        "average_processing_time": pytest.approx(3),
        "average_processing_time_from_creation": totals["average_processing_time_from_creation"],
        "pending": {"count": 1},
        "processing": {"count": 1},
        "completed": {"count": 2},
    }


@pytest.mark.parametrize("wanted", ["true", "True", "1"])
def test_order_ids_are_named_when_asked_for(
    client: FlaskClient, engine: Engine, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert earlier.MAX_IDS == 1000
    monkeypatch.setattr(earlier, "MAX_IDS", 2)
    placed(client, "A", "B", "C", "D")
    complete(engine, 2)
    answer = client.get(f"/orders/metrics?getOrderIds={wanted}").json
    assert answer["pending"] == {"count": 3, "order_ids": ["D", "C"]}
    assert answer["processing"] == {"count": 0, "order_ids": []}
    assert answer["completed"] == {"count": 1, "order_ids": ["B"]}


@pytest.mark.parametrize("query", ["getOrderIds=false", "getOrderIds=", ""])
def test_order_ids_are_not_named_otherwise(client: FlaskClient, query: str) -> None:
    assert client.get(f"/orders/metrics?{query}").json["pending"] == {"count": 0}


@pytest.mark.parametrize("query", ["getOrderIds=maybe", "getorderids=true", "limit=5"])
def test_another_question_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/orders/metrics?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_parameter")
    assert ": should " in answer.json["detail"]


# --- the routes beside /orders/<order_id> --------------------------------------------------------


@pytest.mark.parametrize("name", ["bulk", "metrics", "populate"])
def test_no_order_can_hide_behind_a_route(client: FlaskClient, name: str) -> None:
    body: dict[str, Any] = ORDER | {"order_id": name}
    assert client.post("/orders", json=body).status_code == 400
