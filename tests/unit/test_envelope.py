"""What every answer carries: the request's id, and the header fields that keep browsers safe."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from app import create_app
from app.settings import Settings

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """The application on a database that is not there."""
    return create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db"))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of it."""
    return app.test_client()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/nowhere"), ("GET", "/metrics")],
        *[("DELETE", "/metrics"), ("POST", "/orders"), ("OPTIONS", "/orders")],
    ],
)
def test_every_answer_is_safe_for_browsers_and_caches(
    client: FlaskClient, method: str, path: str
) -> None:
    headers = client.open(path, method=method).headers
    for name, value in SAFE.items():
        assert headers.getlist(name) == [value]


def test_an_answer_may_have_a_policy_of_its_own(app: Flask) -> None:
    own = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"}
    app.add_url_rule("/page", "page", lambda: Response("a page", headers=own))
    headers = app.test_client().get("/page").headers
    for name, value in (SAFE | own).items():
        assert headers.getlist(name) == [value]


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/docs/swagger-ui.css"])
def test_every_answer_has_its_date_once(client: FlaskClient, path: str) -> None:
    before = int(time.time())
    with client.get(path) as answer:
        (date,) = answer.headers.getlist("Date")
    assert date.endswith(" GMT")
    assert before <= parsedate_to_datetime(date).timestamp() <= time.time()


def test_a_request_gets_an_id_of_its_own(client: FlaskClient) -> None:
    ids = {client.get("/nowhere").headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5


def test_a_request_keeps_the_id_it_came_with(client: FlaskClient) -> None:
    for given in ("r-1", "a" * 128, "!~"):
        answer = client.get("/nowhere", headers={"X-Request-Id": given})
        assert answer.headers.getlist("X-Request-Id") == [given]
        assert answer.json["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "\xe4", "a\tb", "a\x7f"])
def test_an_id_that_cannot_be_one_is_replaced(client: FlaskClient, given: str) -> None:
    answer = client.get("/nowhere", environ_overrides={"HTTP_X_REQUEST_ID": given})
    assert len(answer.headers["X-Request-Id"]) == 36
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
