"""Cancelling and retrying by hand, over HTTP, on real databases."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection

from app.api.extension import worker_of
from app.database import db
from app.orders import counters
from app.orders.audit import audit
from app.orders.lifecycle import FAIL
from app.transactions import run_transaction
from tests.builders import ending

BODY = {"user_id": 1, "item_ids": [1], "total_amount": 5, "order_id": "A-1"}


@pytest.fixture
def placed(client: FlaskClient) -> FlaskClient:
    """A client of a service that holds the order A-1, PENDING."""
    assert client.post("/orders", json=BODY).status_code == 201
    return client


@pytest.fixture
def in_transaction(app: Flask) -> Callable[[Callable[[Connection], Any]], Any]:
    """Run statements on the test's database."""
    with app.app_context():
        engine = db.engine
    return lambda work: run_transaction(engine, work)


def end_as(app: Flask, transition: Any) -> None:
    """Claim the pending order and end it."""
    service = worker_of(app).service
    turn = service.turn([], [], sweep_limit=1, worker_id=7)
    service.turn([ending(turn.claims[0], transition)], [], sweep_limit=0, worker_id=7)


def test_a_pending_order_is_cancelled_once_and_says_so_again(placed, in_transaction):
    first = placed.post("/orders/A-1/cancel")
    again = placed.post("/orders/A-1/cancel")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json["status"] == again.json["status"] == "CANCELLED"
    assert first.json["completed_at"] == again.json["completed_at"] is not None
    assert in_transaction(counters.totals)["cancel"] == 1
    assert in_transaction(audit) == []


def test_a_cancelled_order_is_not_claimed(app, placed):
    placed.post("/orders/A-1/cancel")

    assert worker_of(app).service.turn([], [], sweep_limit=1, worker_id=7).claims == []


def test_a_claim_by_a_hint_from_before_the_cancellation_fails(app, placed):
    hints = worker_of(app).hints.take(1, wait_seconds=0)
    placed.post("/orders/A-1/cancel")

    assert worker_of(app).service.turn([], hints, sweep_limit=0, worker_id=7).claims == []


@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_what_is_being_worked_on_can_be_neither_cancelled_nor_retried(app, placed, action):
    worker_of(app).service.turn([], [], sweep_limit=1, worker_id=7)

    answer = placed.post(f"/orders/A-1/{action}")

    assert answer.status_code == 409
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "wrong_status"
    assert "PROCESSING" in answer.json["detail"]


def test_a_failed_order_is_sent_round_again_with_all_its_attempts(app, placed, in_transaction):
    end_as(app, FAIL)

    answer = placed.post("/orders/A-1/retry")

    assert answer.status_code == 200
    assert (answer.json["status"], answer.json["attempts"]) == ("PENDING", 0)
    assert answer.json["error"] is answer.json["started_at"] is answer.json["completed_at"] is None
    (claim,) = worker_of(app).service.turn([], [], sweep_limit=1, worker_id=7).claims
    assert claim.attempt == 1
    assert in_transaction(audit) == []


def test_a_cancelled_order_can_be_sent_round_again(placed, in_transaction):
    placed.post("/orders/A-1/cancel")

    assert placed.post("/orders/A-1/retry").json["status"] == "PENDING"
    assert in_transaction(counters.totals)["reopen_cancelled"] == 1
    assert in_transaction(audit) == []


@pytest.mark.parametrize("name", ["B-2", "a-1", "%00", "ä", "x" * 65])
@pytest.mark.parametrize("action", ["cancel", "retry"])
def test_an_order_that_is_not_there_is_not_found(placed, name, action):
    answer = placed.post(f"/orders/{name}/{action}")

    assert (answer.status_code, answer.json["error"]) == (404, "Order not found")
