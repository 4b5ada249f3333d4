"""The requests of the contract, as typed there, and their answers."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.api.extension import worker_of
from app.orders.lifecycle import COMPLETE, FAIL, RETRY_LATER, Transition
from tests.builders import ending
from tests.integration.moves import OWNER, all_rows, claim, seen, settle

ORDER = {"user_id": 1, "item_ids": [1, 2, 3, 4, 5], "total_amount": 1234}
MEMBERS = {
    *["id", "order_id", "user_id", "item_ids", "total_amount", "status", "attempts", "error"],
    *["created_at", "started_at", "processing_started_at", "completed_at", "updated_at"],
    *["pending_duration", "processing_duration", "total_duration"],
}
creates = pytest.mark.parametrize("path", ["/create_order", "/orders", "/orders/"])


def created(client: FlaskClient, **members: Any) -> dict[str, Any]:
    answer = client.post("/orders", json=ORDER | members)
    assert answer.status_code == 201, answer.text
    return answer.json


def end(engine: Engine, row_id: int, transition: Transition, **parts: Any) -> None:
    (held,) = claim(engine, seen(engine, [row_id]))
    settle(engine, [ending(held, transition, **parts)])


def moment(text: str) -> datetime:
    assert text.endswith("Z")
    assert len(text) == len("2026-01-02T03:04:05.123456Z")
    return datetime.fromisoformat(text)


# --- creating ------------------------------------------------------------------------------------


@creates
def test_a_create_is_answered_with_exactly_what_the_contract_shows(
    client: FlaskClient, path: str
) -> None:
    answer = client.post(path, json=ORDER)
    assert answer.status_code == 201
    order_id = answer.json["order_id"]
    assert answer.json == {
        "message": "Order created successfully!",
        "order_id": order_id,
        "id": 1,
        "status": "PENDING",
        "data": ORDER,
    }
    assert answer.mimetype == "application/json"
    assert answer.headers["Location"] == f"/orders/{order_id}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Idempotent-Replayed" not in answer.headers
    assert client.get(answer.headers["Location"]).status_code == 200


@creates
def test_ids_may_be_strings_and_the_items_one_string(client: FlaskClient, path: str) -> None:
    body = {"order_id": "11", "user_id": "user_id", "item_ids": "item_ids", "total_amount": 100}
    answer = client.post(path, json=body)
    assert (answer.status_code, answer.json["order_id"]) == (201, "11")
    assert answer.json["data"] == {
        "user_id": "user_id",
        "item_ids": ["item_ids"],
        "total_amount": 100,
    }


def test_an_order_without_an_id_gets_a_uuid_that_grows_with_time(client: FlaskClient) -> None:
    ids = [created(client)["order_id"] for _ in range(5)]
    assert all(len(each) == 36 and each[14] == "7" for each in ids)
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("1", 1), (1, 1), ("01", "01"), ("a", "a"), (2**63 - 1, 2**63 - 1), (str(2**63), str(2**63))],
)
def test_a_user_id_that_reads_as_an_integer_is_shown_as_one(
    client: FlaskClient, sent: int | str, shown: int | str
) -> None:
    order = created(client, user_id=sent)
    assert order["data"]["user_id"] == shown
    assert client.get(f"/orders/{order['order_id']}").json["user_id"] == shown


def test_items_are_kept_as_sent(client: FlaskClient) -> None:
    items = [3, "3", "x", 3, 2**63 - 1, "\U0001f600", "a,b", " "]
    order = created(client, item_ids=items)
    assert order["data"]["item_ids"] == items
    assert client.get(f"/orders/{order['order_id']}").json["item_ids"] == items


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("0", "0"),
        ("0.00", "0"),
        ("0.01", "0.01"),
        ("59.90", "59.9"),
        ("9999999999.99", "9999999999.99"),
        ('"1234.50"', "1234.5"),
    ],
)
def test_an_amount_is_shown_as_an_exact_json_number(
    client: FlaskClient, sent: str, shown: str
) -> None:
    body = f'{{"user_id": 1, "item_ids": [1], "total_amount": {sent}, "order_id": "A"}}'
    answer = client.post("/orders", data=body, content_type="application/json")
    assert f'"total_amount":{shown}}}' in answer.text
    assert f'"total_amount":{shown},' in client.get("/orders/A").text


def test_a_content_type_may_have_a_charset_or_be_a_kind_of_json(client: FlaskClient) -> None:
    for content_type in ("application/json; charset=utf-8", "application/vnd.orders+json"):
        body = b'{"user_id": 1, "item_ids": [1], "total_amount": 1}'
        assert client.post("/orders", data=body, content_type=content_type).status_code == 201


# --- one order -----------------------------------------------------------------------------------


def test_an_order_is_the_same_by_either_of_its_ids(client: FlaskClient) -> None:
    order = created(client, order_id="A-1")
    by_order_id = client.get("/orders/A-1")
    by_id = client.get(f"/get_order/{order['id']}")
    assert (by_order_id.status_code, by_id.status_code) == (200, 200)
    running = {"pending_duration", "total_duration"}
    assert set(by_order_id.json) == set(by_id.json) == MEMBERS
    for name in MEMBERS - running:
        assert by_order_id.json[name] == by_id.json[name]


def test_a_fresh_order_waits(client: FlaskClient) -> None:
    before = datetime.now(UTC)
    order = client.get(f"/orders/{created(client, order_id='A-1')['order_id']}").json
    assert (order["status"], order["attempts"], order["error"]) == ("PENDING", 0, None)
    assert before <= moment(order["created_at"]) <= datetime.now(UTC)
    assert order["updated_at"] == order["created_at"]
    for name in ("started_at", "processing_started_at", "completed_at", "processing_duration"):
        assert order[name] is None
    assert 0 <= order["pending_duration"] < 60
    assert 0 <= order["total_duration"] < 60


def test_an_order_at_work_has_waited_and_its_work_counts_up(
    client: FlaskClient, engine: Engine
) -> None:
    order = created(client, order_id="A-1")
    claim(engine, seen(engine, [order["id"]]))
    first = client.get("/orders/A-1").json
    second = client.get("/orders/A-1").json
    assert (first["status"], first["attempts"]) == ("PROCESSING", 1)
    assert first["started_at"] == first["processing_started_at"]
    assert first["pending_duration"] == second["pending_duration"]
    assert first["processing_duration"] < second["processing_duration"]
    assert first["total_duration"] < second["total_duration"]


def test_a_completed_order_has_its_durations_for_ever(client: FlaskClient, engine: Engine) -> None:
    order = created(client, order_id="A-1")
    (row,) = all_rows(engine)
    began = row.created_at + timedelta(seconds=5)
    done = began + timedelta(seconds=2.5)
    end(engine, order["id"], COMPLETE, started_at=began, ended_at=done)
    shown = client.get("/orders/A-1").json
    assert shown["status"] == "COMPLETED"
    assert shown["processing_duration"] == 2.5
    assert (shown["pending_duration"], shown["total_duration"]) == (5, 7.5)
    assert moment(shown["created_at"]) < moment(shown["started_at"]) < moment(shown["completed_at"])
    assert client.get("/orders/A-1").json == shown


@pytest.mark.parametrize(("transition", "status"), [(FAIL, "FAILED"), (RETRY_LATER, "PENDING")])
def test_an_order_shows_why_its_attempt_failed(
    client: FlaskClient, engine: Engine, transition: Transition, status: str
) -> None:
    end(engine, created(client, order_id="A-1")["id"], transition, error="out of paper")
    shown = client.get("/orders/A-1").json
    assert (shown["status"], shown["error"], shown["attempts"]) == (status, "out of paper", 1)


def test_the_status_alone_can_be_asked_for(client: FlaskClient, engine: Engine) -> None:
    order = created(client, order_id="A-1")
    assert client.get("/orders/A-1/status").json == {"order_id": "A-1", "status": "PENDING"}
    end(engine, order["id"], COMPLETE)
    assert client.get("/orders/A-1/status").json == {"order_id": "A-1", "status": "COMPLETED"}


# --- metrics -------------------------------------------------------------------------------------


def test_the_metrics_of_an_empty_service_are_zero(client: FlaskClient) -> None:
    shown = client.get("/metrics").json
    assert shown["avg_processing_time"] == "0.0000"
    for name in ("pending", "processing", "processed", "failed", "cancelled"):
        assert shown[f"{name}_count"] == 0
    assert (shown["total_orders"], shown["oldest_pending_age"]) == (0, None)
    assert shown["processing_time"] == {"p50": None, "p95": None, "p99": None}


def test_the_metrics_count_every_order_where_it_stands(client: FlaskClient, engine: Engine) -> None:
    ids = [created(client)["id"] for _ in range(10)]
    for row, seconds in zip(all_rows(engine), (1, 2, 3, 6), strict=False):
        began = row.created_at + timedelta(seconds=1)
        done = began + timedelta(seconds=seconds)
        end(engine, row.id, COMPLETE, started_at=began, ended_at=done)
    for row_id in ids[4:6]:
        end(engine, row_id, FAIL)
    claim(engine, seen(engine, [ids[6]]))
    answer = client.get("/metrics")
    shown = answer.json
    assert answer.status_code == 200
    assert shown["avg_processing_time"] == "3.0000"
    assert shown["average_processing_time"] == pytest.approx(3)
    assert shown["average_processing_time_from_creation"] == pytest.approx(4)
    assert shown["status_counts"] == {
        "PENDING": 3,
        "PROCESSING": 1,
        "COMPLETED": 4,
        "FAILED": 2,
        "CANCELLED": 0,
        "pending_orders": 3,
        "processing_orders": 1,
        "completed_orders": 4,
    }
    assert (shown["pending_count"], shown["processing_count"]) == (3, 1)
    assert (shown["processed_count"], shown["failed_count"], shown["cancelled_count"]) == (4, 2, 0)
    assert shown["total_orders"] == 10
    assert shown["oldest_pending_age"] > 0
    assert set(shown["waiting_time"]) == set(shown["processing_time"]) == {"p50", "p95", "p99"}
    assert 1 < shown["processing_time"]["p50"] < 3.2


# --- health --------------------------------------------------------------------------------------


def test_a_worker_is_alive_while_its_beat_is_fresh(app: Flask, client: FlaskClient) -> None:
    worker = worker_of(app)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json["detail"] == "this worker has no fresh heartbeat"
    worker.membership.renew(OWNER, sent_at=time.monotonic())
    assert client.get("/healthz").json == {"status": "ok"}
    worker.membership.end()
    assert client.get("/healthz").status_code == 503


def test_a_worker_is_ready_until_it_drains(app: Flask, client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    worker_of(app).processor._stopping.set()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["detail"]) == (503, "this worker is draining")
