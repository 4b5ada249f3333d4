"""Who may send which request: a walk over every route with every role."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.api import auth
from app.api_keys import Role, make_key
from app.settings import Settings

OPEN = re.compile(r"/|(/healthz|/readyz|/docs|/openapi\.json|/dashboard)(/.*)?")
"""Paths that need no key; the dashboard asks for one in its own way."""
ADMIN = {"/orders/populate"}
SAFE = {"GET", "HEAD", "OPTIONS"}


@pytest.fixture(scope="module")
def keys() -> dict[Role, tuple[str, str]]:
    """A key of each role, with its entry."""
    return {role: make_key(f"the-{role}-key", str(role)) for role in Role}


@pytest.fixture
def app(tmp_path: Path, keys: dict[Role, tuple[str, str]]) -> Flask:
    """The application with these keys; its views only say that they were reached."""
    application = create_app(
        Settings(
            database_url=f"sqlite:///{tmp_path}/orders.db",
            api_keys=",".join(entry for _, entry in keys.values()),
        )
    )
    for endpoint in application.view_functions:
        application.view_functions[endpoint] = lambda **_: "reached"
    return application


def expected_statuses(path: str, method: str) -> dict[object, int]:
    """Return the status for each of who may come: nobody, a wrong key, each role."""
    if OPEN.fullmatch(path):
        return dict.fromkeys((None, "wrong", *Role), 200)
    needed = Role.ADMIN if path in ADMIN else Role.READ if method in SAFE else Role.WRITE
    return {None: 401, "wrong": 401} | {role: 200 if role >= needed else 403 for role in Role}


def walk(app: Flask, keys: dict[Role, tuple[str, str]]) -> Iterator[tuple[str, str, object, int]]:
    """Yield every method, route and visitor with an answer that is not the expected one.

    The dashboard has a walk of its own, in tests/integration/test_dashboard_access.py.
    """
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("dashboard."):  # it asks for a key in its own way
            continue
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        path = re.sub(r"<(\w+:)?\w+>", "x", path)
        for method in rule.methods or ():
            for who, expected in expected_statuses(rule.rule, method).items():
                key = keys[who][0] if isinstance(who, Role) else who
                headers = {"Authorization": f"Bearer {key}"} if key else {}
                status = client.open(path, method=method, headers=headers).status_code
                if status != expected:
                    yield method, rule.rule, who, status


def test_every_route_lets_in_whom_it_should_and_nobody_else(app: Flask, keys) -> None:
    assert list(walk(app, keys)) == []


def test_the_walk_finds_a_route_that_lets_in_anybody(app: Flask, keys) -> None:
    app.add_url_rule("/orders/purge", "purge", lambda: "reached", methods=["DELETE"])
    assert list(walk(app, keys)) == []  # guarded although nobody has thought of it
    app.before_request_funcs[None].remove(auth._check)
    let_in = {(method, rule) for method, rule, who, _ in walk(app, keys) if who is None}
    assert {("DELETE", "/orders/purge"), ("POST", "/create_order"), ("GET", "/metrics")} <= let_in


@pytest.mark.parametrize("rule", ["/healthzz", "/docsecret", "/dashboards", "//", "/orders/docs"])
def test_a_path_that_only_looks_open_is_not(rule: str) -> None:
    assert auth.needed_role(rule, "GET") is Role.READ


def test_who_brings_no_key_is_told_so_and_how(app: Flask) -> None:
    answer = app.test_client().get("/metrics")
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="order processing"'
    assert (answer.json["code"], answer.json["detail"]) == ("unauthorized", "an API key is needed")


def test_who_brings_a_wrong_key_is_told_so_without_an_echo(app: Flask) -> None:
    answer = app.test_client().get("/metrics", headers={"X-API-Key": "gu3ss"})
    assert (answer.status_code, answer.json["detail"]) == (401, "the API key is not valid")
    assert "gu3ss" not in answer.text


def test_who_may_not_is_told_what_it_needs(app: Flask, keys) -> None:
    headers = {"Authorization": f"Bearer {keys[Role.READ][0]}"}
    answer = app.test_client().post("/orders", json={}, headers=headers)
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert answer.json["code"] == "forbidden"
    assert answer.json["detail"] == "the key 'the-read-key' has the role read; this needs write"


@pytest.mark.parametrize("header", ["Authorization: bearer {}", "X-API-Key: {}"])
def test_a_key_comes_in_a_header(app: Flask, keys, header: str) -> None:
    name, _, value = header.format(keys[Role.READ][0]).partition(": ")
    assert app.test_client().get("/metrics", headers={name: value}).status_code == 200


@pytest.mark.parametrize("name", ["api_key", "key", "token", "access_token", "X-API-Key"])
def test_a_key_in_the_query_string_counts_for_nothing(app: Flask, keys, name: str) -> None:
    query = {name: keys[Role.ADMIN][0]}
    assert app.test_client().get("/metrics", query_string=query).status_code == 401


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "\xff\xfe", "Bearer \xe4"]
)
def test_an_odd_authorization_is_no_key(app: Flask, value: str) -> None:
    answer = app.test_client().get("/metrics", headers={"Authorization": value})
    assert answer.status_code == 401


def test_what_is_not_there_needs_no_key(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/nowhere").status_code == 404
    assert client.delete("/metrics").status_code == 405


def test_without_keys_nothing_is_checked(tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db"))
    assert auth._check not in app.before_request_funcs[None]


def test_nobody_without_a_key_is_told_what_is_wrong_with_the_query(app: Flask) -> None:
    client, unreadable = app.test_client(), {"QUERY_STRING": "\xff"}
    assert client.get("/orders", environ_overrides=unreadable).status_code == 401
    assert client.get("/healthz", environ_overrides=unreadable).status_code == 400
