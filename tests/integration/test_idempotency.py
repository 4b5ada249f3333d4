"""`Idempotency-Key`: the same request again gets the same answer again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.orders.lifecycle import COMPLETE
from app.settings import Settings
from app.transactions import MAX_TRIES
from tests.builders import ending
from tests.integration.commits import Commits
from tests.integration.moves import all_rows, claim, differences, seen, settle, totals

ORDER = {"user_id": 1, "item_ids": [1, "x"], "total_amount": 59.9}


def create(
    client: FlaskClient, key: str | None = "key-1", path: str = "/orders", **members: object
) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(path, json=ORDER | members, headers=headers)


def assert_replay(first: TestResponse, again: TestResponse) -> None:
    assert again.status_code == first.status_code == 201
    assert again.json == first.json
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_same_key_and_body_get_the_first_answer_again(
    client: FlaskClient, engine: Engine
) -> None:
    first = create(client)
    for _ in range(3):
        assert_replay(first, create(client))
    assert totals(engine) == {"place": 1}


@pytest.mark.parametrize("path", ["/create_order", "/orders/"])
def test_a_key_is_good_for_every_way_to_create(client: FlaskClient, path: str) -> None:
    assert_replay(create(client), create(client, path=path))


def test_a_restart_and_other_workers_know_the_key(
    client: FlaskClient, settings: Settings, client_of: Callable[[Settings], FlaskClient]
) -> None:
    assert_replay(create(client), create(client_of(settings)))


def test_the_answer_stays_the_same_when_the_order_is_done(
    client: FlaskClient, engine: Engine
) -> None:
    first = create(client)
    (held,) = claim(engine, seen(engine, [first.json["id"]]))
    settle(engine, [ending(held, COMPLETE)])
    assert_replay(first, create(client))


@pytest.mark.parametrize(
    "same",
    [
        {"user_id": "1"},
        {"total_amount": "59.90"},
        {"total_amount": 59.90},
    ],
)
def test_the_same_order_written_differently_is_the_same(
    client: FlaskClient, same: dict[str, object]
) -> None:
    assert_replay(create(client), create(client, **same))


@pytest.mark.parametrize(
    "other",
    [
        {"user_id": 2},
        {"item_ids": ["x", 1]},
        {"item_ids": ["1", "x"]},
        {"total_amount": 59.91},
        {"order_id": "A-1"},
    ],
)
def test_the_same_key_with_another_body_is_refused(
    client: FlaskClient, engine: Engine, other: dict[str, object]
) -> None:
    create(client)
    answer = create(client, **other)
    assert answer.status_code == 422
    assert answer.json["code"] == "idempotency_key_reused"
    assert len(all_rows(engine)) == 1


def test_without_a_key_every_request_is_another_order(client: FlaskClient, engine: Engine) -> None:
    assert create(client, None).json["order_id"] != create(client, None).json["order_id"]
    assert len(all_rows(engine)) == 2


def test_keys_differ_in_case(client: FlaskClient, engine: Engine) -> None:
    create(client, "key")
    create(client, "KEY")
    assert len(all_rows(engine)) == 2


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ä", "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(client: FlaskClient, engine: Engine, key: str) -> None:
    answer = create(client, key)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_idempotency_key")
    assert all_rows(engine) == []


@pytest.mark.parametrize("key", ["!", "~", "x" * 255, '"quoted"', "a,b"])
def test_a_key_is_any_visible_ascii(client: FlaskClient, key: str) -> None:
    assert_replay(create(client, key), create(client, key))


def test_a_refused_request_leaves_its_key_free(client: FlaskClient) -> None:
    assert create(client, user_id=0).status_code == 400
    create(client, None, order_id="A-1")
    assert create(client, order_id="A-1").status_code == 409
    answer = create(client)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers


@pytest.mark.parametrize("happened", [True, False])
def test_after_an_unknown_outcome_the_key_tells(
    client: FlaskClient, engine: Engine, commits: Commits, happened: bool
) -> None:
    commits.lose(*[happened] * 2 * MAX_TRIES)
    answer = create(client)
    commits.lose_no_more()
    assert answer.status_code == 503
    assert answer.json["code"] == "outcome_unknown"
    again = create(client)
    assert again.status_code == 201
    assert ("Idempotent-Replayed" in again.headers) is happened
    assert totals(engine) == {"place": 1}


def test_the_same_key_from_many_senders_at_once_is_one_order(app: Flask, engine: Engine) -> None:
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: create(app.test_client()), range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["order_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert totals(engine) == {"place": 1}
    assert differences(engine) == []
