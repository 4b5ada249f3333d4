"""Lists of orders: what is on them, how they are paged through, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.http import parse_options_header
from werkzeug.test import TestResponse

from app.clock import utc_now
from app.orders import listing
from app.orders.lifecycle import COMPLETE, FAIL, RETRY_LATER, Transition
from tests.builders import draft, ending
from tests.integration.moves import claim, overwrite, place, seen, settle

EPOCH = utc_now() - timedelta(days=1)


def page(client: FlaskClient, **parameters: object) -> dict[str, Any]:
    answer = client.get("/orders", query_string=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


def ids(client: FlaskClient, **parameters: object) -> list[int]:
    """Return the ids of all the list's orders, having followed its links to the end."""
    answer = client.get("/orders", query_string=parameters)
    found = [order["id"] for order in answer.json["data"]]
    while "Link" in answer.headers:
        answer = client.get(next_link(answer))
        found += [order["id"] for order in answer.json["data"]]
    assert (answer.json["has_more"], answer.json["next_cursor"]) == (False, None)
    return found


def next_link(answer: TestResponse) -> str:
    link, relation = parse_options_header(answer.headers["Link"])
    assert relation == {"rel": "next"}
    return link.strip("<>")


def place_at(engine: Engine, *seconds: float, user_id: str = "1") -> list[int]:
    """Place orders that were created so many seconds after EPOCH; returns their ids."""
    moments = [EPOCH + timedelta(seconds=each) for each in seconds]
    drafts = [draft(user_id=user_id, created_at=each) for each in moments]
    return [hint.id for each in drafts for hint in place(engine, each)]


def end(engine: Engine, row_ids: list[int], transition: Transition, **parts: Any) -> None:
    claims = claim(engine, seen(engine, row_ids))
    settle(engine, [ending(each, transition, **parts) for each in claims])


def test_a_list_without_orders_is_empty(client: FlaskClient) -> None:
    answer = client.get("/orders")
    assert answer.json == {"data": [], "has_more": False, "next_cursor": None}
    assert "Link" not in answer.headers


@pytest.mark.parametrize("path", ["/orders", "/orders/", "/orders?status=&user_id=&cursor="])
def test_orders_are_listed_newest_first_and_shown_as_everywhere(
    client: FlaskClient, engine: Engine, path: str
) -> None:
    placed = place_at(engine, 0, 1, 2)
    end(engine, placed, COMPLETE)
    listed = client.get(path).json["data"]
    assert [order["id"] for order in listed] == placed[::-1]
    assert listed[0] == client.get(f"/get_order/{placed[-1]}").json


@pytest.mark.parametrize(
    ("sort", "direction"), [("id", 1), ("created_at", 1), ("-id", -1), ("-created_at", -1)]
)
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
def test_following_the_links_shows_every_order_once(
    client: FlaskClient, engine: Engine, sort: str, direction: int, limit: int
) -> None:
    placed = place_at(engine, *range(5))
    assert ids(client, sort=sort, limit=limit) == placed[::direction]


def test_the_cursor_alone_leads_on_with_the_same_filters(
    client: FlaskClient, engine: Engine
) -> None:
    placed = place_at(engine, *range(3))
    first = page(client, limit=2)
    assert first["has_more"] is True
    second = page(client, limit=1, cursor=first["next_cursor"])
    assert [order["id"] for order in second["data"]] == placed[:1]


def test_orders_that_come_meanwhile_shift_no_page(client: FlaskClient, engine: Engine) -> None:
    placed = place_at(engine, *range(4))
    answer = client.get("/orders?limit=2")
    place_at(engine, 9, 9)
    assert [order["id"] for order in client.get(next_link(answer)).json["data"]] == placed[1::-1]


def test_fifty_orders_are_a_page_unless_another_limit_is_given(
    client: FlaskClient, engine: Engine
) -> None:
    place(engine, *(draft() for _ in range(201)))
    assert len(page(client)["data"]) == 50
    assert len(page(client, limit=200)["data"]) == 200


def test_a_status_lists_the_orders_that_have_it_in_order_of_their_ids(
    client: FlaskClient, engine: Engine
) -> None:
    placed = place_at(engine, *range(10))
    late = utc_now() + timedelta(hours=1)
    end(engine, placed[0:2], COMPLETE)
    end(engine, placed[2:4], FAIL)
    end(engine, placed[8:9], RETRY_LATER, available_at=late)
    end(engine, placed[4:5], RETRY_LATER, available_at=late + timedelta(hours=1))
    claim(engine, seen(engine, [placed[6], placed[9]]))
    end(engine, placed[5:6], RETRY_LATER, available_at=late)
    waiting = client.get(f"/get_order/{placed[5]}").json["order_id"]
    assert client.post(f"/orders/{waiting}/cancel").status_code == 200
    for limit in (1, 2, 50):
        assert ids(client, status="completed", limit=limit) == placed[1::-1]
        assert ids(client, status="FAILED", limit=limit) == placed[3:1:-1]
        assert ids(client, status="Pending", limit=limit) == [placed[8], placed[7], placed[4]]
        assert ids(client, status="processing", limit=limit) == [placed[9], placed[6]]
        assert ids(client, status="CANCELLED", limit=limit) == [placed[5]]
        assert ids(client, status="pending", limit=limit, sort="id") == [
            *[placed[4], placed[7], placed[8]]
        ]


def test_a_retried_order_is_listed_while_it_is_worked_on(
    client: FlaskClient, engine: Engine
) -> None:
    placed = place_at(engine, 0, 1)
    end(engine, placed[:1], RETRY_LATER, available_at=utc_now())
    claim(engine, seen(engine, placed))
    assert ids(client, status="processing") == placed[::-1]


def test_a_user_is_the_same_as_number_and_as_text_and_no_other(
    client: FlaskClient, engine: Engine
) -> None:
    (first,) = place_at(engine, 0, user_id="1")
    place_at(engine, 1, user_id="01")
    (third,) = place_at(engine, 2, user_id="1")
    assert ids(client, user_id=1) == ids(client, user_id="1") == [third, first]
    assert ids(client, user_id="A") == []


@pytest.mark.parametrize("status", ["", "pending"])
@pytest.mark.parametrize("limit", [1, 50])
def test_blanks_and_case_make_another_user(
    client: FlaskClient, engine: Engine, status: str, limit: int
) -> None:
    users = ["ada", "ada ", " ada", "Ada", "ada  ", "ada", "ada "]
    placed = [(user_id, *place_at(engine, 0, user_id=user_id)) for user_id in users]
    for user_id in users:
        of_user = [row_id for each, row_id in placed if each == user_id]
        assert ids(client, user_id=user_id, status=status, limit=limit) == of_user[::-1]


def test_all_filters_hold_together(client: FlaskClient, engine: Engine) -> None:
    mine = place_at(engine, *range(0, 600, 100), user_id="me")
    theirs = place_at(engine, 700, user_id="you")
    end(engine, [*mine[:4], *theirs], COMPLETE)
    bounds = {"created_from": written(100), "created_to": written(450)}
    for limit in (1, 50):
        some = {"limit": limit, "user_id": "me"}
        assert ids(client, **some, status="completed") == mine[3::-1]
        assert ids(client, **some, **bounds) == mine[4:0:-1]
        assert ids(client, **some, **bounds, status="completed") == mine[3:0:-1]
        assert ids(client, **some, **bounds, status="completed", sort="id") == mine[1:4]
        assert ids(client, **bounds, status="pending", limit=limit) == [mine[4]]


# --- times ---------------------------------------------------------------------------------------


def written(seconds: float) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat() + "Z"


def test_a_time_belongs_to_the_range_it_bounds(client: FlaskClient, engine: Engine) -> None:
    placed = place_at(engine, 0, 100, 200)
    assert ids(client, created_from=written(100)) == placed[:0:-1]
    assert ids(client, created_to=written(100)) == placed[1::-1]
    assert ids(client, created_from=written(100), created_to=written(100)) == [placed[1]]
    assert ids(client, created_from=written(200), created_to=written(100)) == []
    assert ids(client, created_from=written(100.000001), created_to=written(199.999999)) == []


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_orders_that_were_written_out_of_order_are_found(
    client: FlaskClient, engine: Engine, limit: int
) -> None:
    times = [0, 29, 1, 30, 2, 60, 31, 90, 61, 62, 91]
    placed = dict(zip(place_at(engine, *times), times, strict=True))
    for start in (-1, 0, 1, 29, 30, 61, 92):
        for stop in (0, 2, 30, 59, 62, 91):
            expected = [each for each, time in placed.items() if start <= time <= stop]
            bounds = {"created_from": written(start), "created_to": written(stop)}
            assert ids(client, **bounds, limit=limit) == expected[::-1]
            assert ids(client, **bounds, limit=limit, sort="id") == expected


def test_gaps_between_the_ids_do_not_matter(client: FlaskClient, engine: Engine) -> None:
    placed = place_at(engine, *range(0, 500, 100))
    for row_id, new_id in zip(placed[::-1], (10**15, 10**9, 10**6 + 1, 10**6, 5), strict=True):
        overwrite(engine, row_id, id=new_id)
    bounds = {"created_from": written(100), "created_to": written(300)}
    assert ids(client, **bounds) == [10**9, 10**6 + 1, 10**6]


@pytest.mark.parametrize(
    ("start", "listed"),
    [
        ("2020-01-01", True),
        ("2020-01-01T12:00", True),
        ("2020-01-01T12:00:00+05:30", True),
        ("0001-01-01T00:00:00Z", True),
        ("9999-12-31T23:59:59.999999Z", False),
    ],
)
def test_a_time_may_be_written_in_every_iso_way(
    client: FlaskClient, engine: Engine, start: str, listed: bool
) -> None:
    place(engine)
    assert bool(ids(client, created_from=start)) is listed
    assert bool(ids(client, created_to=start)) is not listed


# --- what one page may cost ----------------------------------------------------------------------


def test_a_page_that_has_looked_through_enough_says_there_is_more(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_SCAN", 4)
    theirs = place_at(engine, *range(4), user_id="you")
    mine = place_at(engine, *range(12), user_id="me")
    end(engine, [*mine[:1], *mine[9:11], *theirs], COMPLETE)
    first = page(client, status="completed", user_id="me")
    assert [order["id"] for order in first["data"]] == mine[10:8:-1]
    second = page(client, status="completed", user_id="me", cursor=first["next_cursor"])
    assert (second["data"], second["has_more"]) == ([], True)
    assert ids(client, status="completed", user_id="me") == [mine[10], mine[9], mine[0]]
    assert ids(client, status="completed", user_id="me", sort="id") == [mine[0], *mine[9:11]]
    assert ids(client, status="completed", user_id="me", limit=1) == [mine[10], mine[9], mine[0]]


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=5.0", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%20", "limit"),
        (f"limit={'9' * 5000}", "limit"),
        ("limit=%EF%BC%91", "limit"),
        ("status=done", "status"),
        ("sort=price", "sort"),
        (f"user_id={'x' * 65}", "user_id"),
        ("user_id=%00", "user_id"),
        ("created_from=yesterday", "created_from"),
        ("created_from=1767225600", "created_from"),
        ("created_to=2026-02-30", "created_to"),
        ("created_to=0001-01-01T00:00:00%2B14:00", "created_to"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("page=2", "page"),
        ("page=", "page"),
        ("page", "page"),
        ("Limit=5", "Limit"),
        ("limit=5&limit=6", "limit"),
        ("status=pending&status=pending", "status"),
        (f"{'x' * 5000}=1", "x" * 64),
    ],
)
def test_a_parameter_that_cannot_be_one_is_named(
    client: FlaskClient, query: str, parameter: str
) -> None:
    answer = client.get(f"/orders?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_parameter")
    assert answer.mimetype == "application/problem+json"
    (named,) = answer.json["errors"]
    assert named["parameter"] == parameter
    assert answer.json["detail"] == f"{parameter}: {named['detail']}"


def test_every_wrong_parameter_is_named(client: FlaskClient) -> None:
    answer = client.get("/orders?limit=0&status=x&page=1")
    assert {each["parameter"] for each in answer.json["errors"]} == {"limit", "status", "page"}


@pytest.fixture
def cursor(client: FlaskClient, engine: Engine) -> str:
    """A cursor of the list of all orders."""
    place(engine, draft(), draft())
    return page(client, limit=1)["next_cursor"]


MUTILATIONS: dict[str, Callable[[str], str]] = {
    "shortened": lambda cursor: cursor[:-1],
    "lengthened": lambda cursor: cursor + "A",
    "padded": lambda cursor: cursor + "==",
    "reversed": lambda cursor: cursor[::-1],
    "another id": lambda cursor: "B" + cursor[1:],
    "other characters": lambda cursor: "+" * len(cursor),
    "not ascii": lambda cursor: "ä" * len(cursor),
    "zeros": lambda cursor: "A" * len(cursor),
}


@pytest.mark.parametrize("mutilate", MUTILATIONS.values(), ids=MUTILATIONS)
def test_a_mutilated_cursor_is_refused(
    client: FlaskClient, cursor: str, mutilate: Callable[[str], str]
) -> None:
    answer = client.get("/orders", query_string={"cursor": mutilate(cursor)})
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "cursor")


@pytest.mark.parametrize(
    "other", [{"status": "pending"}, {"user_id": 1}, {"sort": "id"}, {"created_to": written(0)}]
)
def test_a_cursor_of_another_list_is_refused(
    client: FlaskClient, cursor: str, other: dict[str, object]
) -> None:
    assert client.get("/orders", query_string={"cursor": cursor}).status_code == 200
    answer = client.get("/orders", query_string={"cursor": cursor, **other})
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "cursor")
