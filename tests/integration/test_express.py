"""The express lane: plain creates go past Flask, and nobody can tell by the answer."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api_keys import make_key
from app.settings import Settings
from tests.integration.moves import statuses

# What comes before the use case is the same on every database.
pytestmark = pytest.mark.databases("sqlite")

SOUND = {"order_id": "A-1", "user_id": 1, "item_ids": ["1", 2], "total_amount": 59.99}
KEY = {"Idempotency-Key": "k-1", "X-Request-Id": "r-1"}
PLAIN = "application/json"
THROUGH_FLASK = "application/json; charset=utf-8"
PATHS = pytest.mark.parametrize("path", ["/create_order", "/orders", "/orders/"])


def post(client: FlaskClient, content_type: str, **parts: Any) -> TestResponse:
    """Send the sound order with a key, or what `parts` says instead."""
    request = {"path": "/orders", "data": json.dumps(SOUND), "headers": KEY} | parts
    return client.post(content_type=content_type, **request)


@pytest.fixture
def out_of_order(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes through Flask fails."""
    monkeypatch.setattr(app, "full_dispatch_request", lambda: 1 / 0)


@PATHS
def test_a_plain_create_goes_past_flask(client: FlaskClient, out_of_order: None, path: str) -> None:
    assert post(client, PLAIN, path=path).status_code == 201


@pytest.mark.parametrize(
    "parts",
    [
        {"content_type": THROUGH_FLASK},
        {"path": "/order/create-order"},
        {"data": None, "input_stream": BytesIO(b"{}")},  # of a length that is not known
        {"data": b" " * 1_048_577},
        {"environ_overrides": {"CONTENT_LENGTH": "0" * 5000}},
        {"environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked"}},
    ],
)
def test_what_is_out_of_the_ordinary_goes_through_flask(
    client: FlaskClient, out_of_order: None, parts: dict[str, Any]
) -> None:
    assert post(client, **{"content_type": PLAIN} | parts).status_code == 500


@PATHS
def test_the_answer_is_the_same_either_way(client: FlaskClient, path: str) -> None:
    post(client, PLAIN)
    fast, slow = (post(client, each, path=path) for each in (PLAIN, THROUGH_FLASK))
    assert fast.headers["Idempotent-Replayed"] == "true"
    del fast.headers["Date"], slow.headers["Date"]  # each its own
    assert sorted(fast.headers) == sorted(slow.headers)
    assert (fast.status, fast.data) == (slow.status, slow.data)


@pytest.mark.parametrize(
    "parts",
    [
        {"data": b"{"},
        {"data": json.dumps(SOUND | {"user_id": True})},
        {"data": json.dumps(SOUND | {"user_id": 2})},  # the key is another order's
        {"headers": {"X-Request-Id": "r-1"}},  # the order id is taken
        {"headers": KEY | {"Idempotency-Key": "a b"}},
    ],
)
def test_so_is_a_refusal(client: FlaskClient, parts: dict[str, Any]) -> None:
    post(client, PLAIN)
    fast, slow = (post(client, each, **parts) for each in (PLAIN, THROUGH_FLASK))
    assert 400 <= fast.status_code < 500
    del fast.headers["Date"], slow.headers["Date"]  # each its own
    assert sorted(fast.headers) == sorted(slow.headers)
    assert (fast.status, fast.json) == (slow.status, slow.json)


def test_what_fails_is_not_tried_again_through_flask(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, calls = app.extensions["order_processing"], []

    def place(draft: object) -> None:
        calls.append(draft)
        raise RuntimeError("out of paper")

    monkeypatch.setattr(worker, "place", place)
    answer = post(client, PLAIN)
    assert (answer.status_code, answer.json["code"], len(calls)) == (500, "internal_error", 1)


def test_a_body_that_is_cut_short_places_nothing(client: FlaskClient, engine: Any) -> None:
    data = json.dumps(SOUND).encode()
    environ = {"CONTENT_LENGTH": str(len(data) + 1), "wsgi.input": BytesIO(data)}
    answer = post(client, PLAIN, environ_overrides=environ)
    assert answer.status_code == 400
    assert statuses(engine) == []


@pytest.mark.parametrize(("role", "status"), [("read", 403), ("write", 201), ("admin", 201)])
def test_keys_are_asked_for_on_it_too(
    client_of: Callable[[Settings], FlaskClient], settings: Settings, role: str, status: int
) -> None:
    key, entry = make_key("ada", role)
    client = client_of(Settings(**settings.model_dump() | {"api_keys": entry}))
    assert post(client, PLAIN).status_code == 401
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        answer = post(client, PLAIN, headers=KEY | headers)
        assert answer.status_code == status


def test_a_create_with_a_key_goes_past_flask_too(
    client_of: Callable[[Settings], FlaskClient],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key, entry = make_key("ada", "write")
    client = client_of(Settings(**settings.model_dump() | {"api_keys": entry}))
    monkeypatch.setattr(client.application, "full_dispatch_request", lambda: 1 / 0)
    answer = post(client, PLAIN, headers=KEY | {"X-API-Key": key})
    assert answer.status_code == 201


def test_a_rate_limit_counts_every_create(
    client_of: Callable[[Settings], FlaskClient], settings: Settings
) -> None:
    client = client_of(Settings(**settings.model_dump() | {"rate_limit": "2/hour"}))
    answers = [post(client, PLAIN) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]


@PATHS
def test_it_is_logged_with_its_route(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    lines: list[dict[str, object]] = []
    monkeypatch.setattr(app.wsgi_app, "_info", lambda _event, **facts: lines.append(facts))
    post(client, PLAIN, path=path)
    assert [(line["route"], line["status"]) for line in lines] == [(path.rstrip("/"), 201)]
