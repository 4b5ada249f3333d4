"""Backpressure: a full backlog refuses orders until some have ended."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api.extension import worker_of
from app.processing.worker import Worker
from app.settings import Settings

BODY = {"user_id": 1, "item_ids": [1], "total_amount": 5}
ROOM = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings that leave room for few orders."""
    return settings.model_copy(update={"max_backlog": ROOM})


def place(client: FlaskClient) -> int:
    return client.post("/create_order", json=BODY).status_code


def work_off(worker: Worker) -> None:
    """Claim what is placed, then end it."""
    worker.processor.step()
    worker.processor.step()


def test_a_full_backlog_refuses_orders_until_some_have_ended(
    app: Flask, client: FlaskClient
) -> None:
    worker = worker_of(app)
    worker.supervisor.tick()

    assert [place(client) for _ in range(ROOM + 1)] == [201] * ROOM + [503]
    refused = client.post("/create_order", json=BODY)
    assert (refused.json["code"], refused.headers["Retry-After"]) == ("backlog_full", "5")

    while worker.service.metrics().counts["COMPLETED"] < ROOM:
        work_off(worker)
    assert place(client) == 201
