"""`ETag`, `If-None-Match` and `wait`: asking for an order again."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.orders.lifecycle import COMPLETE
from tests.builders import ending
from tests.integration.moves import claim, seen, settle

ORDER = {"user_id": 1, "item_ids": [1], "total_amount": 1, "order_id": "A"}
by_either_id = pytest.mark.parametrize("path", ["/orders/A", "/get_order/1"])


@pytest.fixture
def placed(client: FlaskClient) -> FlaskClient:
    """A client of a service that holds the order A, which is number 1."""
    assert client.post("/orders", json=ORDER).status_code == 201
    return client


@by_either_id
def test_an_order_in_the_state_that_is_known_is_not_sent_again(
    placed: FlaskClient, path: str
) -> None:
    first = placed.get(path)
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = placed.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "no-store"
        assert "Content-Type" not in again.headers


@by_either_id
@pytest.mark.parametrize("known", ['W/"1-7"', '"x"', "x", ""])
def test_an_order_in_another_state_is_sent(placed: FlaskClient, path: str, known: str) -> None:
    assert placed.get(path, headers={"If-None-Match": known}).status_code == 200


def test_every_transition_makes_another_tag(placed: FlaskClient, engine: Engine) -> None:
    tags = [placed.get("/orders/A").headers["ETag"]]
    (held,) = claim(engine, seen(engine, [1]))
    tags.append(placed.get("/orders/A").headers["ETag"])
    settle(engine, [ending(held, COMPLETE)])
    tags += [placed.get("/orders/A").headers["ETag"] for _ in range(2)]
    assert len(set(tags)) == 3
    assert tags[2] == tags[3]


@by_either_id
def test_a_head_has_the_headers_alone(placed: FlaskClient, path: str) -> None:
    shown, head = placed.get(path), placed.head(path)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == shown.headers["ETag"]
    assert head.headers["Content-Type"] == shown.headers["Content-Type"]


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/orders", "GET HEAD OPTIONS POST"), ("/orders/A", "GET HEAD OPTIONS")],
)
def test_options_name_the_methods(client: FlaskClient, path: str, methods: str) -> None:
    answer = client.options(path)
    assert answer.status_code == 200
    assert sorted(answer.headers["Allow"].split(", ")) == methods.split()


# --- wait ----------------------------------------------------------------------------------------


def test_a_request_can_wait_until_the_order_has_ended(
    app: Flask, placed: FlaskClient, engine: Engine
) -> None:
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(app.test_client().get, "/orders/A?wait=30")
        (held,) = claim(engine, seen(engine, [1]))
        settle(engine, [ending(held, COMPLETE)])
        assert answer.result().json["status"] == "COMPLETED"


def test_a_request_that_waited_in_vain_shows_the_order_as_it_is(placed: FlaskClient) -> None:
    for seconds in (0, 1):
        answer = placed.get(f"/orders/A?wait={seconds}")
        assert (answer.status_code, answer.json["status"]) == (200, "PENDING")


@pytest.mark.parametrize(
    "query", ["wait=31", "wait=-1", "wait=1.5", "wait=x", "wait=1&wait=1", "Wait=1", "delay=1"]
)
def test_a_wait_that_cannot_be_one_is_refused(placed: FlaskClient, query: str) -> None:
    answer = placed.get(f"/orders/A?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_parameter")


def test_an_order_that_is_not_there_is_not_waited_for(client: FlaskClient) -> None:
    assert client.get("/orders/A?wait=30").status_code == 404
