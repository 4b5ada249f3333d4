"""The page as a browser without a script gets it."""

import re
from datetime import timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from app.clock import utc_now
from app.orders import workers
from app.orders.model import workers as workers_table
from tests.builders import identity
from tests.integration.moves import in_transaction


def text_of(html: str) -> str:
    """Return what is left of a page without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_the_root_leads_to_the_dashboard(client: FlaskClient) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.location) == (302, "/dashboard")


def test_a_slash_behind_the_address_makes_no_difference(client: FlaskClient) -> None:
    answer = client.get("/dashboard/?window=day")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert 'aria-current="true">24 h<' in answer.text
    assert client.get("/dashboard//").status_code == 404


def test_the_page_is_whole_without_a_script(client: FlaskClient) -> None:
    client.post("/orders", json={"user_id": 1, "item_ids": [1], "total_amount": 5})
    answer = client.get("/dashboard")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    for part in ("Pending 1", "Completed 0", "Backlog 1", "Throughput", "Workers"):
        assert part in text_of(answer.text)
    assert answer.text.count("<svg") == 4


def test_nothing_stands_inline_and_nothing_comes_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/dashboard")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.search(r"<style|\sstyle=|\son\w+=|javascript:", answer.text) is None
    assert re.findall(r"<script[^>]*></script>|<script", answer.text) == [
        '<script type="module" src="/dashboard/static/dashboard.js"></script>'
    ]
    assert re.findall(r'(?:href|src|action)="(?!/|#|\?)', answer.text) == []


@pytest.mark.parametrize(
    ("chosen", "pending", "cleared"),
    [("", "?status=PENDING", ""), ("&window=day", "?window=day&status=PENDING", "?window=day")],
)
def test_a_tile_and_clear_keep_the_window(
    client: FlaskClient, chosen: str, pending: str, cleared: str
) -> None:
    page = unescape(client.get(f"/dashboard?status=FAILED&user_id=ada{chosen}").text)
    assert f'<a class="tile card pending" href="/dashboard{pending}#orders">' in page
    assert f'<a href="/dashboard{cleared}#orders">Clear</a>' in page


def test_a_state_that_the_caller_knows_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/dashboard/state")
    again = client.get("/dashboard/state", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert again.data == b""


@pytest.mark.parametrize(
    "query",
    ["window=year", "status=DONE", f"user_id={'x' * 65}", "order_id=%00", "older_than=-1"],
)
def test_an_address_that_makes_no_sense_is_refused_with_a_page(
    client: FlaskClient, query: str
) -> None:
    answer = client.get(f"/dashboard?{query}")
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert query.split("=", maxsplit=1)[0] in text_of(answer.text)
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize(
    ("beat_ago", "leaves", "tone"), [(0, False, "good"), (60, False, "bad"), (0, True, "gone")]
)
def test_a_worker_shows_whether_it_lives(
    client: FlaskClient, engine: Engine, beat_ago: int, leaves: bool, tone: str
) -> None:
    worker_id = in_transaction(engine, workers.register, identity())
    beat_at = utc_now() - timedelta(seconds=beat_ago)
    with engine.begin() as connection:
        connection.execute(update(workers_table).values(beat_at=beat_at))
    if leaves:
        in_transaction(engine, workers.leave, worker_id)
    assert f'<tr id="worker-{worker_id}" class="{tone}">' in client.get("/dashboard").text
