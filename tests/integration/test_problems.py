"""Everything that is no success is a problem document, whoever is at fault."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.api.problems import _STATUS_AND_SENTENCE
from app.database import db
from app.orders import errors
from app.settings import Settings
from app.transactions import MAX_TRIES
from tests.integration.commits import Commits
from tests.integration.moves import totals
from tests.processes import free_port

ORDER = {"user_id": 1, "item_ids": [1], "total_amount": 1}
JSON = {"content_type": "application/json"}
ClientOf = Callable[[Settings], FlaskClient]


def assert_problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Check what every problem document has; returns it."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    document = answer.json
    assert set(document) - {"errors"} == {
        *["type", "title", "status", "detail", "instance", "code", "error", "request_id"]
    }
    assert (document["status"], document["code"]) == (status, code)
    assert document["instance"] == answer.request.path
    assert document["request_id"] == answer.headers["X-Request-Id"]
    for name in ("type", "title", "detail", "error"):
        assert document[name]
        assert "<" not in document[name]
    assert "Traceback" not in answer.text
    return document


@pytest.mark.parametrize("path", ["/orders/none", "/orders/none/status", "/get_order/4711"])
def test_an_order_that_is_not_there(client: FlaskClient, path: str) -> None:
    document = assert_problem(client.get(path), 404, "order_not_found")
    assert document["error"] == "Order not found"


ODD_ORDER_IDS = {
    "a NUL": "%00",
    "no UTF-8": "%ff%fe",
    "a surrogate": "%ed%a0%80",
    "not ASCII": "%C3%A4",
    "an emoji": "%F0%9F%98%80",
    "a space behind": "A-1%20",
    "another case": "a-1",
    "too long": "x" * 65,
    "a quote": "A-1'%20OR%20'1'='1",
    "a wildcard": "A_1",
    "a percent sign": "%25",
}


@pytest.mark.parametrize("name", ODD_ORDER_IDS.values(), ids=ODD_ORDER_IDS)
@pytest.mark.parametrize("suffix", ["", "/status"])
def test_an_order_id_that_cannot_be_one(client: FlaskClient, name: str, suffix: str) -> None:
    client.post("/orders", json=ORDER | {"order_id": "A-1"})
    assert client.get(f"/orders/{name}{suffix}").status_code == 404


@pytest.mark.parametrize("number", ["0", str(2**31), str(2**63 - 1), str(2**63), "9" * 5000])
def test_a_database_id_that_cannot_be_one(client: FlaskClient, number: str) -> None:
    client.post("/orders", json=ORDER)
    assert client.get(f"/get_order/{number}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/nowhere", "/get_order/x", "/get_order/-1", "/orders/a/b/c", "/%00"]
)
def test_a_path_that_is_not_there(client: FlaskClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/create_order", "POST"),
        ("PUT", "/orders", "POST"),
        ("DELETE", "/orders/A-1", "GET"),
        ("POST", "/metrics", "GET"),
        ("POST", "/healthz", "GET"),
    ],
)
def test_a_method_that_is_not_there_and_those_that_are(
    client: FlaskClient, method: str, path: str, allowed: str
) -> None:
    answer = client.open(path, method=method)
    assert_problem(answer, 405, "method_not_allowed")
    assert allowed in answer.headers["Allow"]


def test_an_order_that_exists_already(client: FlaskClient) -> None:
    client.post("/orders", json=ORDER | {"order_id": "A-1"})
    answer = client.post("/orders", json=ORDER | {"order_id": "A-1"})
    assert_problem(answer, 409, "order_exists")


@pytest.mark.parametrize("size", [1_048_577, 3_000_000])
def test_a_body_that_is_too_large(client: FlaskClient, size: int) -> None:
    answer = client.post("/orders", data=b" " * size, **JSON)
    assert_problem(answer, 413, "request_entity_too_large")


def test_a_body_of_exactly_the_largest_size(client: FlaskClient) -> None:
    body = json.dumps(ORDER).encode().ljust(1_048_576)
    assert client.post("/orders", data=body, **JSON).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "json", "text/json"],
)
def test_a_body_that_is_not_said_to_be_json(client: FlaskClient, content_type: str | None) -> None:
    answer = client.post("/orders", data=json.dumps(ORDER), content_type=content_type)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("members", "pointers"),
    [
        ({"user_id": 0}, ["/user_id"]),
        ({"user_id": True}, ["/user_id"]),
        ({"user_id": "a\0"}, ["/user_id"]),
        ({"item_ids": [1, "", 3, {}]}, ["/item_ids/1", "/item_ids/3"]),
        ({"total_amount": -1}, ["/total_amount"]),
        ({"order_id": "a b"}, ["/order_id"]),
        ({"order_id": "metrics"}, ["/order_id"]),
        ({"order_id": []}, ["/order_id"]),
        ({"priority": 1}, ["/priority"]),
        ({"a/b~": 1}, ["/a~1b~0"]),
        ({"user_id": None, "item_ids": [], "total_amount": "x"}, None),
    ],
)
def test_a_body_with_bad_members_names_each(
    client: FlaskClient, members: dict[str, Any], pointers: list[str] | None
) -> None:
    answer = client.post("/orders", json=ORDER | members)
    document = assert_problem(answer, 400, "invalid_order")
    found = [each["pointer"] for each in document["errors"]]
    assert found == (pointers or ["/user_id", "/item_ids", "/total_amount"])
    assert all(each["detail"] for each in document["errors"])
    assert document["error"].startswith(found[0])


def test_a_body_without_its_members_names_each(client: FlaskClient) -> None:
    document = assert_problem(client.post("/orders", json={}), 400, "invalid_order")
    assert [each["pointer"] for each in document["errors"]] == [
        "/user_id",
        "/item_ids",
        "/total_amount",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"user_id": NaN, "item_ids": [1], "total_amount": 1}',
        b'{"user_id": 1, "item_ids": [1], "total_amount": 1e400}',
        b"[" * 10_000 + b"]" * 10_000,
        b"\xef\xbb\xbf" + json.dumps(ORDER).encode(),
        json.dumps(ORDER).encode("utf-16"),
    ],
)
def test_a_body_that_is_no_json_object(client: FlaskClient, body: bytes) -> None:
    document = assert_problem(client.post("/orders", data=body, **JSON), 400, "malformed_body")
    (error,) = document["errors"]
    assert document["detail"] == f"{error['pointer'] or 'the body'} {error['detail']}"


@pytest.mark.parametrize("path", ["/orders", "/order/create-order", "/orders/bulk"])
def test_a_body_in_chunks_is_told_what_it_lacks(client: FlaskClient, path: str) -> None:
    in_chunks = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    answer = client.post(path, data=json.dumps(ORDER), environ_overrides=in_chunks, **JSON)
    document = assert_problem(answer, 400, "malformed_body")
    assert document["detail"] == "the body should come with a Content-Length, not in chunks"


@pytest.mark.parametrize("path", ["/orders//A-1", "/metrics//A-1"])
def test_a_doubled_slash_leads_nowhere(client: FlaskClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not_found")


def test_a_member_that_is_there_twice_is_named(client: FlaskClient) -> None:
    body = b'{"user_id": 1, "item_ids": [1], "total_amount": 1, "user_id": 2}'
    document = assert_problem(client.post("/orders", data=body, **JSON), 400, "malformed_body")
    assert document["errors"] == [{"pointer": "/user_id", "detail": "should be there only once"}]
    assert document["detail"] == "/user_id should be there only once"


@pytest.mark.parametrize(
    "member", ['"\\ud800": 1', '"user_id": "\\ud800"', '"item_ids": "\\udfff,1"']
)
def test_text_that_is_no_text_is_refused(client: FlaskClient, member: str) -> None:
    rest = {name: value for name, value in ORDER.items() if f'"{name}"' not in member}
    body = json.dumps(rest)[:-1] + f", {member}}}"
    assert_problem(client.post("/orders", data=body, **JSON), 400, "invalid_order")


def test_an_answer_is_no_echo_of_an_endless_request(client: FlaskClient) -> None:
    answers = [
        client.post("/orders", json=ORDER | {"x" * 500_000: 1}),
        client.post("/orders", json=ORDER | {"user_id": "x" * 500_000}),
        client.post("/orders", json={str(number): 1 for number in range(50_000)}),
        client.post("/orders", data=f'{{"n": 1{"0" * 100_000}e1}}', **JSON),
        client.post("/orders", data=f'{{"{"x" * 500_000}": 1, "{"x" * 500_000}": 1}}', **JSON),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert len(answer.data) < 15_000


def test_a_path_is_no_echo_either(client: FlaskClient) -> None:
    assert len(client.get(f"/orders/{'x' * 10_000}").data) < 1_500


def test_every_error_of_the_domain_has_its_row_in_the_table() -> None:
    def children(parent: type) -> Iterator[type]:
        for child in parent.__subclasses__():
            yield child
            yield from children(child)

    assert set(children(errors.OrderError)) == set(_STATUS_AND_SENTENCE)


# --- 503 -----------------------------------------------------------------------------------------


def test_a_service_with_too_many_waiting_orders_says_when_to_come_back(
    settings: Settings, engine: Engine, client_of: ClientOf
) -> None:
    client = client_of(settings.model_copy(update={"max_backlog": 2}))
    answers = [client.post("/orders", json=ORDER) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 503]
    assert_problem(answers[-1], 503, "backlog_full")
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert totals(engine) == {"place": 2}


def test_a_lost_commit_is_told_as_such(
    client: FlaskClient, engine: Engine, commits: Commits
) -> None:
    commits.lose(*[False] * MAX_TRIES)
    answer = client.post("/orders", json=ORDER)
    document = assert_problem(answer, 503, "outcome_unknown")
    assert "idempotency key" in document["error"]
    assert int(answer.headers["Retry-After"]) >= 1


def test_a_lost_commit_of_a_cancellation_is_told_as_such(
    client: FlaskClient, commits: Commits
) -> None:
    client.post("/orders", json=ORDER | {"order_id": "A-1"})
    commits.lose(*[False] * MAX_TRIES)
    answer = client.post("/orders/A-1/cancel")
    document = assert_problem(answer, 503, "outcome_unknown")
    assert "repeat the request" in document["error"]


@pytest.fixture
def nowhere(client_of: ClientOf) -> FlaskClient:
    """A client of a service whose database cannot be reached."""
    return client_of(Settings(database_url=f"mysql://u:s3cret@127.0.0.1:{free_port()}/orders"))


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/orders"), ("GET", "/orders/A-1"), ("GET", "/get_order/1"), ("GET", "/metrics")],
)
def test_without_its_database_the_service_says_when_to_come_back(
    nowhere: FlaskClient, method: str, path: str
) -> None:
    for _ in range(3):
        answer = nowhere.open(path, method=method, json=ORDER if method == "POST" else None)
        assert_problem(answer, 503, "unavailable")
        assert 1 <= int(answer.headers["Retry-After"]) <= 5
        assert "s3cret" not in answer.text


def test_without_its_database_the_service_is_not_ready(nowhere: FlaskClient) -> None:
    assert_problem(nowhere.get("/readyz"), 503, "unavailable")


def test_without_its_tables_the_service_is_not_ready(client: FlaskClient, engine: Engine) -> None:
    version = text("UPDATE alembic_version SET version_num = :version")
    with engine.begin() as connection:
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(version, {"version": "0001"})
    answer = client.get("/readyz")
    with engine.begin() as connection:
        connection.execute(version, {"version": newest})
    document = assert_problem(answer, 503, "unavailable")
    assert document["detail"] == "the database is not migrated"


# --- 500 -----------------------------------------------------------------------------------------


def divide_by_nothing() -> None:
    raise ZeroDivisionError("secret reason")


def ask_for_what_is_not_there() -> None:
    db.session.execute(text("SELECT secret FROM orders"))


@pytest.mark.parametrize(
    ("fail", "error"),
    [(divide_by_nothing, ZeroDivisionError), (ask_for_what_is_not_there, DBAPIError)],
)
def test_a_bug_of_ours_is_told_without_its_trace_and_logged_with_it(
    app: Flask,
    caplog: pytest.LogCaptureFixture,
    fail: Callable[[], None],
    error: type[Exception],
) -> None:
    app.get("/bug")(fail)
    answer = app.test_client().get("/bug")
    assert_problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    (record,) = [each for each in caplog.records if each.name == "app.api.problems"]
    assert issubclass(record.exc_info[0], error)


# --- X-Request-Id --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["abc", "0198-x.y_z:1", "x" * 128])
def test_a_request_id_is_taken_over(client: FlaskClient, given: str) -> None:
    answer = client.get("/orders/none", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == answer.json["request_id"] == given
    answer = client.post("/orders", json=ORDER, headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a\tb", "ä"])
def test_a_request_id_that_could_forge_a_log_line_is_replaced(
    client: FlaskClient, given: str
) -> None:
    made = client.get("/metrics", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert made != given
    assert len(made) == 36


def test_every_request_gets_an_id_of_its_own(client: FlaskClient) -> None:
    ids = {client.get("/metrics").headers["X-Request-Id"] for _ in range(5)}
    assert len(ids) == 5
