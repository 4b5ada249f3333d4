"""Many orders in one request: what becomes of each, and that a repetition writes none twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.api.extension import worker_of
from app.clock import utc_now
from app.orders import queries
from app.orders.errors import UnavailableError
from app.orders.lifecycle import COMPLETE
from app.orders.pruning import prune
from app.settings import Settings
from app.transactions import MAX_TRIES
from tests.builders import ending
from tests.integration.commits import Commits
from tests.integration.moves import all_rows, claim, differences, overwrite, seen, settle, totals

ORDER = {"user_id": 1, "item_ids": [1, "x"], "total_amount": 59.9}
BAD = ORDER | {"user_id": 0}


def bulk(client: FlaskClient, *orders: Any, key: str | None = None, **members: Any) -> TestResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post("/orders/bulk", json={"orders": orders, **members}, headers=headers)


def named(*order_ids: str) -> list[dict[str, Any]]:
    return [ORDER | {"order_id": each} for each in order_ids]


def statuses(answer: TestResponse) -> list[int]:
    """Return the status of each result of a bulk that was taken in."""
    assert answer.status_code == 201, answer.text
    found = [each["status"] for each in answer.json["results"]]
    assert answer.json["success_count"] == found.count(201)
    assert answer.json["failure_count"] == len(found) - found.count(201)
    return found


def order_ids(engine: Engine) -> list[str]:
    return [row.order_id for row in all_rows(engine)]


def test_every_order_has_its_result_in_the_order_of_the_request(
    client: FlaskClient, engine: Engine
) -> None:
    answer = bulk(client, *named("B", "A"), ORDER, ORDER | {"user_id": "ada", "total_amount": "5"})
    assert statuses(answer) == [201] * 4
    results = answer.json["results"]
    assert [each["order_id"] for each in results[:2]] == ["B", "A"]
    for result in results:
        assert client.get(f"/orders/{result['order_id']}").json["id"] == result["id"]
    last = client.get(f"/orders/{results[-1]['order_id']}").json
    assert (last["user_id"], last["total_amount"], last["status"]) == ("ada", 5, "PENDING")
    assert totals(engine) == {"place": 4}
    assert differences(engine) == []


def test_a_bulk_holds_a_thousand_orders_and_no_more(client: FlaskClient, engine: Engine) -> None:
    small = {"user_id": 1, "item_ids": [1], "total_amount": 1}
    assert statuses(bulk(client, *[small] * 1000)) == [201] * 1000
    assert bulk(client, *[small] * 1001).status_code == 400
    assert bulk(client).status_code == 400
    assert len(all_rows(engine)) == 1000


def test_the_processor_is_told_of_the_orders(app: Flask, client: FlaskClient) -> None:
    answer = bulk(client, ORDER, ORDER)
    hints = worker_of(app).hints.take(10, wait_seconds=0)
    assert [hint.id for hint in hints] == [each["id"] for each in answer.json["results"]]


# --- reject_all ----------------------------------------------------------------------------------


def test_one_order_that_is_not_valid_keeps_all_others_out(
    client: FlaskClient, engine: Engine
) -> None:
    for members in ({}, {"on_error": "reject_all"}):
        answer = bulk(client, ORDER, BAD, ORDER, ORDER | {"priority": 1}, **members)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_order")
        pointers = [each["pointer"] for each in answer.json["errors"]]
        assert pointers == ["/orders/1/user_id", "/orders/3/priority"]
    assert all_rows(engine) == []


@pytest.mark.parametrize(
    ("ids", "at_fault"), [(["N", "A"], [1]), (["A", "N", "B"], [0, 2]), (["N", "M", "N"], [2])]
)
def test_one_order_that_exists_already_keeps_all_others_out(
    client: FlaskClient, engine: Engine, ids: list[str], at_fault: list[int]
) -> None:
    bulk(client, *named("A", "B"))
    answer = bulk(client, *named(*ids), ORDER)
    assert (answer.status_code, answer.json["code"]) == (409, "order_exists")
    pointers = [each["pointer"] for each in answer.json["errors"]]
    assert pointers == [f"/orders/{n}/order_id" for n in at_fault]
    assert order_ids(engine) == ["A", "B"]
    assert differences(engine) == []


# --- skip_invalid --------------------------------------------------------------------------------


def test_orders_that_cannot_be_written_are_left_out(client: FlaskClient, engine: Engine) -> None:
    bulk(client, *named("A"))
    orders = [BAD, *named("N", "A", "N"), ORDER, 5, *named("M")]
    answer = bulk(client, *orders, on_error="skip_invalid")
    assert statuses(answer) == [400, 201, 409, 409, 201, 400, 201]
    invalid, _, exists, twice, _, no_object, _ = answer.json["results"]
    assert invalid["errors"][0]["pointer"] == "/orders/0/user_id"
    assert (exists["code"], twice["code"]) == ("order_exists", "order_exists")
    assert no_object["errors"][0]["pointer"] == "/orders/5"
    for result in (invalid, exists, twice, no_object):
        assert {"type", "title", "status", "detail", "code", "error"} <= set(result)
    assert len(all_rows(engine)) == 4
    assert totals(engine) == {"place": 4}


def test_a_bulk_of_which_nothing_can_be_written_says_so(
    client: FlaskClient, engine: Engine
) -> None:
    assert statuses(bulk(client, BAD, BAD, on_error="skip_invalid")) == [400, 400]
    assert all_rows(engine) == []


# --- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "members",
    [
        {"orders": None},
        {"orders": {}},
        {"orders": "[]"},
        {"on_error": "ignore"},
        {"on_error": None},
        {"on_error": ["skip_invalid"]},
        {"atomic": True},
    ],
)
def test_a_body_that_is_no_bulk_is_refused(
    client: FlaskClient, engine: Engine, members: dict[str, Any]
) -> None:
    for policy in ({}, {"on_error": "skip_invalid"}):
        answer = client.post("/orders/bulk", json={"orders": [ORDER]} | policy | members)
        assert answer.status_code == 400
        assert answer.json["errors"][0]["pointer"].split("/")[1] in members
    assert all_rows(engine) == []


def test_a_member_that_is_there_twice_in_one_order_refuses_the_body(client: FlaskClient) -> None:
    body = '{"orders": [{"user_id": 1, "user_id": 2, "item_ids": [1], "total_amount": 1}]}'
    answer = client.post("/orders/bulk", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (400, "malformed_body")
    assert [each["pointer"] for each in answer.json["errors"]] == ["/orders/0/user_id"]


# --- idempotency ---------------------------------------------------------------------------------


def assert_replay(first: TestResponse, again: TestResponse) -> None:
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json == first.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_the_same_bulk_with_the_same_key_is_written_once(
    client: FlaskClient,
    engine: Engine,
    settings: Settings,
    client_of: Callable[[Settings], FlaskClient],
) -> None:
    orders = [ORDER, *named("A"), ORDER]
    first = bulk(client, *orders, key="key-1")
    claimed = claim(engine, seen(engine, [first.json["results"][0]["id"]]))
    settle(engine, [ending(each, COMPLETE) for each in claimed])
    assert_replay(first, bulk(client, *orders, key="key-1"))
    assert_replay(first, bulk(client_of(settings), *orders, key="key-1"))
    assert len(all_rows(engine)) == 3
    assert bulk(client, ORDER).json != bulk(client, ORDER).json


def test_what_was_left_out_is_left_out_again(client: FlaskClient, engine: Engine) -> None:
    bulk(client, *named("A", "B"))
    orders = [*named("A"), BAD, ORDER, *named("B", "N", "N"), ORDER]
    first = bulk(client, *orders, key="key-1", on_error="skip_invalid")
    assert statuses(first) == [409, 400, 201, 409, 201, 409, 201]
    again = bulk(client, *orders, key="key-1", on_error="skip_invalid")
    assert statuses(again) == statuses(first)
    placed = [[each.get("id") for each in answer.json["results"]] for answer in (first, again)]
    assert placed[0] == placed[1]
    overwrite(engine, 1, order_id="no longer A")
    assert statuses(bulk(client, *orders, key="key-1", on_error="skip_invalid")) == statuses(first)


@pytest.mark.parametrize("other", [[ORDER], [ORDER, BAD], [ORDER, ORDER, ORDER], []])
def test_the_same_key_with_another_bulk_is_refused(
    client: FlaskClient, engine: Engine, other: list[Any]
) -> None:
    first = bulk(client, BAD, ORDER, key="key-1", on_error="skip_invalid")
    assert statuses(first) == [400, 201]
    answer = bulk(client, *other, *named("N"), key="key-1", on_error="skip_invalid")
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert len(all_rows(engine)) == 1


@pytest.mark.parametrize("pruned", [0, 1, 2])
@pytest.mark.parametrize("on_error", ["reject_all", "skip_invalid"])
def test_a_key_whose_orders_were_pruned_in_part_writes_none_and_mistakes_none(
    client: FlaskClient, engine: Engine, pruned: int, on_error: str
) -> None:
    first = bulk(client, ORDER, ORDER, ORDER, key="key-1", on_error=on_error)
    bulk(client, *named("newest"))
    claimed = claim(engine, seen(engine, [first.json["results"][pruned]["id"]]))
    settle(engine, [ending(each, COMPLETE) for each in claimed])
    assert sum(deleted for _, deleted in prune(engine, ended_before=utc_now())) == 1
    answer = bulk(client, ORDER, ORDER, ORDER, key="key-1", on_error=on_error)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert "pruned" in answer.json["detail"]
    assert len(all_rows(engine)) == 3
    assert bulk(client, ORDER, ORDER, key="key-1", on_error=on_error).status_code == 422


def test_a_key_is_either_for_one_order_or_for_many(client: FlaskClient, engine: Engine) -> None:
    one = {"Idempotency-Key": "one"}
    assert client.post("/orders", json=ORDER, headers=one).status_code == 201
    assert bulk(client, ORDER, ORDER, key="one").status_code == 422
    assert statuses(bulk(client, ORDER, ORDER, key="many")) == [201, 201]
    many = {"Idempotency-Key": "many"}
    assert client.post("/orders", json=ORDER, headers=many).status_code == 422
    populate = client.post("/orders/populate", json={"total_entries": 1}, headers=many)
    assert populate.status_code == 422
    assert len(all_rows(engine)) == 3


def test_a_refused_bulk_leaves_its_key_free(client: FlaskClient) -> None:
    assert bulk(client, ORDER, BAD, key="key-1").status_code == 400
    assert bulk(client, *named("A", "A"), key="key-1").status_code == 409
    answer = bulk(client, ORDER, key="key-1")
    assert statuses(answer) == [201]
    assert "Idempotent-Replayed" not in answer.headers


@pytest.mark.only_on("mariadb", "postgresql")  # SQLite's connection cannot break
@pytest.mark.parametrize("key", [None, "key-1"])
def test_a_commit_whose_answer_was_lost_is_found_again(
    client: FlaskClient, engine: Engine, commits: Commits, key: str | None
) -> None:
    commits.lose(True)
    answer = bulk(client, *named("A"), ORDER, key=key)
    assert statuses(answer) == [201, 201]
    assert "Idempotent-Replayed" not in answer.headers
    assert [row.id for row in all_rows(engine)] == [each["id"] for each in answer.json["results"]]
    assert totals(engine) == {"place": 2}
    assert differences(engine) == []


@pytest.mark.parametrize("happened", [True, False])
def test_after_an_unknown_outcome_the_key_tells(
    client: FlaskClient, engine: Engine, commits: Commits, happened: bool
) -> None:
    commits.lose(*[happened] * MAX_TRIES)
    answer = bulk(client, ORDER, ORDER, key="key-1")
    commits.lose_no_more()
    if not happened:
        assert (answer.status_code, answer.json["code"]) == (503, "outcome_unknown")
    assert statuses(bulk(client, ORDER, ORDER, key="key-1")) == [201, 201]
    assert totals(engine) == {"place": 2}


@pytest.mark.only_on("mariadb", "postgresql")
def test_what_collides_with_a_commit_whose_answer_was_lost_may_have_been_written(
    client: FlaskClient, engine: Engine, commits: Commits, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(*_: object, **__: object) -> NoReturn:
        raise UnavailableError("the database is away")

    monkeypatch.setattr(queries, "rows_of", be_away)
    commits.lose(True)
    answer = bulk(client, ORDER, ORDER)
    assert (answer.status_code, answer.json["code"]) == (503, "outcome_unknown")
    assert len(all_rows(engine)) == 2


def test_the_same_bulk_from_many_senders_at_once_is_written_once(
    app: Flask, engine: Engine
) -> None:
    orders = [ORDER, *named("A"), ORDER]
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: bulk(app.test_client(), *orders, key="key-1"), range(16))
        )
    assert [answer.status_code for answer in answers] == [201] * 16
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert totals(engine) == {"place": 3}
    assert differences(engine) == []


def test_bulks_that_want_the_same_order_ids_get_each_once(app: Flask, engine: Engine) -> None:
    ids = [f"A-{n}" for n in range(20)]

    def send(turn: int) -> list[int]:
        orders = named(*ids[turn:], *ids[:turn])
        return statuses(bulk(app.test_client(), *orders, on_error="skip_invalid"))

    with ThreadPoolExecutor(8) as threads:
        found = [status for statuses in threads.map(send, range(16)) for status in statuses]
    assert found.count(201) == 20
    assert found.count(409) == 15 * 20
    assert sorted(order_ids(engine)) == sorted(ids)
    assert totals(engine) == {"place": 20}
