"""Orders on the page: found, paged, told and moved without a script."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.clock import utc_now
from app.orders.lifecycle import FAIL
from app.orders.pruning import prune
from tests.builders import draft, ending
from tests.integration.moves import place, place_and_claim, settle, statuses

OWN_PAGE = {"Origin": "http://localhost"}


def shown(client: FlaskClient, query: str = "") -> list[str]:
    """Return the ids of the orders on the page."""
    return re.findall(r'<td class="id"><a[^>]*>([^<]*)</a>', client.get(f"/dashboard{query}").text)


def linked(client: FlaskClient, query: str, rel: str) -> str:
    """Return the query that a link of the page leads to; empty if there is no such link."""
    found = re.search(rf'href="/dashboard([^"#]*)#orders" rel="{rel}"', client.get(query).text)
    return unescape(found[1]) if found else ""


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of the page's forms."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def fail(engine: Engine, order_id: str, *, user_id: str = "1") -> None:
    (held,) = place_and_claim(engine, draft(order_id, user_id=user_id))
    settle(engine, [ending(held, FAIL, error="<b>no paper</b>")])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["C-3", "B-2", "A-1"]),
        ("?status=failed", ["B-2"]),
        ("?user_id=ada", ["C-3", "A-1"]),
        ("?status=PENDING&user_id=ada", ["C-3", "A-1"]),
        ("?status=CANCELLED", []),
        ("?order_id=C-3", ["C-3"]),
        ("?order_id=2", ["C-3"]),
        ("?order_id=%20C-3%20", ["C-3"]),
        ("?order_id=c-3", []),
        ("?order_id=99999999999999999999", []),
    ],
)
def test_orders_are_filtered_and_looked_up(
    client: FlaskClient, engine: Engine, query: str, found: list[str]
) -> None:
    place(engine, draft("A-1", user_id="ada"), draft("C-3", user_id="ada"))
    fail(engine, "B-2")
    assert sorted(shown(client, query)) == sorted(found)


def test_a_choice_that_no_order_matches_says_so(client: FlaskClient, engine: Engine) -> None:
    place(engine, draft("A-1"))
    assert "No orders match." in client.get("/dashboard?status=FAILED").text
    assert "No orders match." not in client.get("/dashboard").text


@pytest.mark.parametrize("user_id", [" lead", "trail ", "   ", "lead"])
def test_a_user_is_listed_and_moved_by_the_name_as_it_is(
    client: FlaskClient, engine: Engine, user_id: str
) -> None:
    others = {" lead", "trail ", "   ", "lead", "ada"} - {user_id}
    place(engine, draft("A-1", user_id=user_id), *(draft(user_id=each) for each in others))
    query = urlencode({"status": "PENDING", "user_id": user_id})
    assert shown(client, f"?{query}") == ["A-1"]
    found = re.search(r'href="([^"]*/all/cancel[^"]*)"', client.get(f"/dashboard?{query}").text)
    assert found is not None
    question = client.get(unescape(found[1])).text
    client.post("/dashboard/all/cancel", data=hidden(question), headers=OWN_PAGE)
    assert statuses(engine) == ["CANCELLED", *(["PENDING"] * len(others))]


def test_pages_lead_to_each_other_and_back(client: FlaskClient, engine: Engine) -> None:
    place(engine, *(draft(f"A-{number:02}") for number in range(60)))
    newest = [f"A-{number:02}" for number in range(59, -1, -1)]
    first = ""
    second = linked(client, f"/dashboard{first}", "next")
    third = linked(client, f"/dashboard{second}", "next")
    assert [shown(client, query) for query in (first, second, third)] == [
        newest[:25],
        newest[25:50],
        newest[50:],
    ]
    assert linked(client, f"/dashboard{third}", "next") == ""
    assert linked(client, "/dashboard", "prev") == ""
    assert shown(client, linked(client, f"/dashboard{third}", "prev")) == newest[25:50]
    back = linked(client, f"/dashboard{linked(client, f'/dashboard{third}', 'prev')}", "prev")
    assert shown(client, back) == newest[:25]


def test_an_order_tells_its_story_and_escapes_what_it_quotes(
    client: FlaskClient, engine: Engine
) -> None:
    fail(engine, "B-2", user_id="<i>ada</i>")
    page = client.get("/dashboard/orders/B-2").text
    assert "&lt;b&gt;no paper&lt;/b&gt;" in page
    assert "&lt;i&gt;ada&lt;/i&gt;" in page
    assert "<i>" not in page


def test_an_order_that_is_not_there_is_not_found(client: FlaskClient) -> None:
    for path in ("A-1", "A-1/cancel", "ä"):
        answer = client.get(f"/dashboard/orders/{path}")
        assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_one_order_is_cancelled_and_retried(client: FlaskClient, engine: Engine) -> None:
    place(engine, draft("A-1"))
    assert "Cancel this order?" in client.get("/dashboard/orders/A-1/cancel").text
    answer = client.post("/dashboard/orders/A-1/cancel", headers=OWN_PAGE)
    assert (answer.status_code, answer.location) == (303, "/dashboard/orders/A-1")
    assert statuses(engine) == ["CANCELLED"]
    client.post("/dashboard/orders/A-1/retry", headers=OWN_PAGE)
    assert statuses(engine) == ["PENDING"]


def test_what_cannot_be_done_is_refused_with_a_page(client: FlaskClient, engine: Engine) -> None:
    place(engine, draft("A-1"))
    answer = client.post("/dashboard/orders/A-1/retry", headers=OWN_PAGE)
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert "is PENDING" in unescape(answer.text)


def test_all_failed_orders_of_a_user_are_retried_and_no_later_one(
    client: FlaskClient, engine: Engine
) -> None:
    fail(engine, "B-1", user_id="ada")
    fail(engine, "B-2", user_id="bob")
    question = client.get("/dashboard/all/retry?status=FAILED&user_id=ada").text
    fail(engine, "B-3", user_id="ada")
    answer = client.post("/dashboard/all/retry", data=hidden(question), headers=OWN_PAGE)
    assert "1 order sent round again" in answer.text
    assert "There were no others when you asked." in answer.text
    assert statuses(engine) == ["PENDING", "FAILED", "FAILED"]
    again = client.post("/dashboard/all/retry", data=hidden(question), headers=OWN_PAGE)
    assert "0 orders sent round again" in again.text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("cancel?status=PENDING", "<p><b>0</b> pending orders will be cancelled."),
        (
            "cancel?status=PENDING&user_id=ada",
            "Every pending order of user <b>ada</b> will be cancelled.",
        ),
        ("retry?status=FAILED", "<p><b>0</b> failed orders go back to the queue; their attempts"),
        (
            "retry?status=CANCELLED&user_id=ada",
            "Every cancelled order of user <b>ada</b> goes back to the queue; its attempts",
        ),
    ],
)
def test_the_question_is_a_sentence(client: FlaskClient, query: str, sentence: str) -> None:
    assert sentence in client.get(f"/dashboard/all/{query}").text


def test_the_question_counts_the_orders_there_are_and_none_that_is_pruned(
    client: FlaskClient, engine: Engine
) -> None:
    for number in range(3):
        fail(engine, f"B-{number}")
    question = "/dashboard/all/retry?status=FAILED"
    assert "<p>All <b>3</b> failed orders go back to the queue; their" in client.get(question).text
    deleted = sum(number for _, number in prune(engine, ended_before=utc_now()))
    assert deleted == 2  # the newest order stays
    assert "<p><b>1</b> failed order goes back to the queue; its" in client.get(question).text


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("cancel", {"status": "FAILED"}),
        ("retry", {"status": "PENDING"}),
        ("retry", {}),
        ("retry", {"status": "FAILED"}),
        ("retry", {"status": "FAILED", "created_to": "2026-01-02T03:04:05Z"}),
        ("retry", {"status": "FAILED", "created_to": "2026-01-02T03:04:05", "after": "x"}),
    ],
)
def test_a_form_that_the_page_has_not_given_out_is_refused(
    client: FlaskClient, path: str, form: dict[str, str]
) -> None:
    answer = client.post(f"/dashboard/all/{path}", data=form, headers=OWN_PAGE)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    ],
)
def test_an_action_that_another_page_has_sent_is_refused(
    client: FlaskClient, engine: Engine, headers: dict[str, str]
) -> None:
    place(engine, draft("A-1"))
    answer = client.post("/dashboard/orders/A-1/cancel", headers=headers)
    assert answer.status_code == 403
    assert statuses(engine) == ["PENDING"]


@pytest.mark.parametrize(
    "headers", [OWN_PAGE, {"Origin": "https://localhost"}, {"Sec-Fetch-Site": "same-origin"}]
)
def test_an_action_that_the_page_itself_has_sent_is_taken(
    client: FlaskClient, engine: Engine, headers: dict[str, str]
) -> None:
    place(engine, draft("A-1"))
    client.post("/dashboard/orders/A-1/cancel", headers=headers)
    assert statuses(engine) == ["CANCELLED"]
