"""`flask orders`: what each command does, prints and ends with."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app import create_app
from app.clock import utc_now
from app.commands import browsing
from app.database import db
from app.orders import workers
from app.orders.lifecycle import FAIL, OrderStatus
from app.orders.workers import WorkerState
from app.settings import Settings
from tests.builders import ODD_TEXT, draft, ending, identity
from tests.integration.moves import (
    all_rows,
    differences,
    in_transaction,
    overwrite,
    place,
    place_and_claim,
    settle,
    statuses,
)

Run = Callable[..., Result]
NEW_ORDER = ("--user-id", "1", "--item-ids", "1, pen,1", "--total-amount", "59.90")


@pytest.fixture
def run(app: Flask) -> Run:
    """Run `flask orders` with these arguments."""
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["orders", *arguments])


def shown(result: Result) -> Any:
    """Return what a command that succeeded printed as JSON."""
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


# --- single orders -------------------------------------------------------------------------------


def test_a_created_order_waits_for_the_sweep(run: Run, engine: Engine) -> None:
    result = run("create", *NEW_ORDER, "--order-id", "A-1")
    assert (result.exit_code, result.output) == (0, "Order A-1 is PENDING.\n")
    (row,) = all_rows(engine)
    assert (row.order_id, row.user_id, row.item_ids) == ("A-1", "1", [1, "pen", 1])
    assert (str(row.total_amount), row.status, row.fence) == ("59.90", OrderStatus.PENDING, 0)
    assert differences(engine) == []


def test_an_order_is_shown_as_the_api_shows_it(run: Run, client: FlaskClient) -> None:
    created = shown(run("create", *NEW_ORDER, "--json"))
    from_api = client.get(f"/orders/{created['order_id']}").json
    from_command = shown(run("show", created["order_id"], "--json"))
    for document in (created, from_api, from_command):
        del document["pending_duration"], document["total_duration"]
    assert from_command == from_api == created


def test_an_order_is_shown_to_people_a_line_for_each_member(run: Run) -> None:
    run("create", *NEW_ORDER, "--order-id", "A-1")
    lines = [line.rstrip() for line in run("show", "A-1").output.splitlines()]
    assert "order id               A-1" in lines
    assert "item ids               1, pen, 1" in lines
    assert "total amount           59.90" in lines
    assert "started at             -" in lines


def test_what_a_terminal_would_obey_is_not_printed(run: Run, engine: Engine) -> None:
    place(engine, draft("A-1", user_id="\x1b[2J\r[red]ada[/red]", item_ids=[ODD_TEXT]))
    output = run("show", "A-1").output
    assert "\ufffd[2J\ufffd[red]ada[/red]" in output
    assert all(each.isprintable() for each in output.replace("\n", ""))


def test_a_cancelled_order_can_be_sent_round_again(run: Run, engine: Engine) -> None:
    place(engine, draft("A-1"))
    assert run("cancel", "A-1").output == "Order A-1 is CANCELLED.\n"
    assert shown(run("cancel", "A-1", "--json"))["status"] == "CANCELLED"
    assert run("retry", "A-1").output == "Order A-1 is PENDING.\n"
    assert shown(run("cancel", "A-1", "--json"))["status"] == "CANCELLED"
    assert shown(run("retry", "A-1", "--json"))["status"] == "PENDING"
    assert statuses(engine) == ["PENDING"]
    assert differences(engine) == []


def test_made_up_orders_are_placed_by_the_thousand(run: Run, engine: Engine) -> None:
    assert run("populate", "3").output == "Placed 3 orders.\n"
    assert shown(run("populate", "1500", "--json")) == {
        "total_entries": 1500,
        "success_count": 1500,
    }
    assert statuses(engine) == ["PENDING"] * 1503
    assert differences(engine) == []
    assert run("populate", "0").exit_code == 2


# --- lists of orders -----------------------------------------------------------------------------


def listed(run: Run, *options: str) -> list[str]:
    """Return the ids of the orders that `list` shows with these options."""
    return [document["order_id"] for document in shown(run("list", *options, "--json"))]


def test_orders_are_listed_newest_first_as_far_as_asked_for(run: Run, engine: Engine) -> None:
    place(engine, *(draft(f"A-{number}") for number in range(25)))
    newest_first = [f"A-{number}" for number in reversed(range(25))]
    assert listed(run) == newest_first[:20]
    assert listed(run, "--limit", "100") == newest_first
    assert listed(run, "--limit", "2", "--oldest-first") == ["A-0", "A-1"]


def test_a_list_longer_than_a_page_has_no_gap(
    run: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "PAGE", 2)
    place(engine, *(draft(f"A-{number}") for number in range(5)))
    assert listed(run, "--limit", "5") == ["A-4", "A-3", "A-2", "A-1", "A-0"]
    assert listed(run, "--limit", "3") == ["A-4", "A-3", "A-2"]


def test_a_list_has_the_orders_that_pass_every_filter(run: Run, engine: Engine) -> None:
    place(engine, draft("A-1", user_id="ada"), draft("B-1", user_id="bob"))
    place_and_claim(engine, draft("A-2", user_id="ada"))
    assert listed(run, "--user-id", "ada") == ["A-2", "A-1"]
    assert listed(run, "--status", "processing") == ["A-2"]
    assert listed(run, "--user-id", "ada", "--status", "PENDING") == ["A-1"]
    assert listed(run, "--created-to", "2020-01-01") == []
    assert listed(run, "--created-from", "2020-01-01T00:00:00Z") == ["A-2", "B-1", "A-1"]


def test_a_list_is_a_table_for_people(run: Run, engine: Engine) -> None:
    assert run("list").output == "No orders.\n"
    place(engine, draft("A-1", user_id="ada", total_amount="59.90"))
    headings, _, line = (each for each in run("list").output.splitlines() if each.strip())
    assert re.split(r"\s{2,}", headings.strip()) == list(browsing._HEADINGS)
    assert line.split()[:4] == ["A-1", "PENDING", "ada", "59.90"]


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--status", "done", "a status is one of PENDING"),
        ("--user-id", "x" * 65, "should have 64 characters at most"),
        ("--created-from", "yesterday", "should be a time such as"),
        ("--limit", "0", "0 is not in the range"),
    ],
)
def test_a_filter_that_is_none_is_named(run: Run, option: str, value: str, complaint: str) -> None:
    result = run("list", option, value)
    assert result.exit_code == 2
    assert f"Error: Invalid value for {option}: " in result.output.replace("'", "")
    assert complaint in result.output.replace("'", "")


# --- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "cancel", "retry"])
def test_an_order_that_is_not_there_is_named(run: Run, command: str) -> None:
    result = run(command, "A-1")
    assert (result.exit_code, result.output) == (1, "Error: there is no order 'A-1'\n")


def test_an_order_that_stands_elsewhere_is_left_alone(run: Run, engine: Engine) -> None:
    place_and_claim(engine, draft("A-1"))
    for command in ("cancel", "retry"):
        result = run(command, "A-1")
        assert (result.exit_code, result.output) == (1, "Error: order 'A-1' is PROCESSING\n")
    assert statuses(engine) == ["PROCESSING"]


def test_an_order_id_is_given_out_once(run: Run) -> None:
    run("create", *NEW_ORDER, "--order-id", "A-1")
    result = run("create", *NEW_ORDER, "--order-id", "A-1")
    assert (result.exit_code, result.output) == (1, "Error: order 'A-1' exists already\n")


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--user-id", "", "an integer from 1"),
        ("--item-ids", "1,,2", "an integer from 1"),
        ("--total-amount", "1e3", "between 0 and 9999999999.99"),
        ("--order-id", "bulk", "a word that is a route"),
    ],
)
def test_what_makes_no_order_is_refused_with_the_options_name(
    run: Run, engine: Engine, option: str, value: str, complaint: str
) -> None:
    result = run("create", *NEW_ORDER, option, value)
    assert result.exit_code == 2
    last_line = result.output.splitlines()[-1]
    assert last_line.startswith(f"Error: Invalid value for {option}: ")
    assert complaint in last_line
    assert all_rows(engine) == []


@pytest.mark.parametrize("command", ["stats", "workers", "verify"])
def test_a_database_that_was_not_migrated_is_told_from_one_that_fails(
    tmp_path: Path, command: str
) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/empty.db"))
    result = app.test_cli_runner().invoke(args=["orders", command])
    with app.app_context():
        db.engine.dispose()
    assert result.exit_code == 1
    assert result.output == (
        "Error: the database is not migrated, `flask --app app db upgrade` does that\n"
    )


@pytest.mark.only_on("mariadb")
@pytest.mark.parametrize("command", [["orders", "stats"], ["db", "upgrade"]])
def test_a_database_that_lets_nobody_in_says_why(settings: Settings, command: list[str]) -> None:
    url = settings.url.set(password="wrong").render_as_string(hide_password=False)
    app = create_app(Settings(database_url=url))
    result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1
    assert result.output.startswith("Error: DATABASE_URL: cannot use ")
    assert "Access denied for user" in result.output
    assert len(result.output.splitlines()) == 1


# --- the whole -----------------------------------------------------------------------------------


def test_the_stats_are_the_metrics(run: Run, client: FlaskClient, engine: Engine) -> None:
    claims = place_and_claim(engine, draft(), draft(), draft())
    settle(engine, [ending(claims[0]), ending(claims[1], FAIL)])
    assert shown(run("stats", "--json")) == client.get("/metrics").json
    lines = [line.split() for line in run("stats").output.splitlines()]
    for expected in (
        ["PROCESSING", "1"],
        ["FAILED", "1"],
        ["total", "3"],
        ["workers", "alive", "0"],
    ):
        assert expected in lines


def test_the_workers_that_are_alive_are_shown(run: Run, engine: Engine) -> None:
    gone, here = (in_transaction(engine, workers.register, identity(pid=pid)) for pid in (1, 2))
    in_transaction(engine, workers.leave, gone)
    in_transaction(
        engine,
        workers.beat,
        here,
        state=WorkerState.DRAINING,
        queue_length=3,
        current_order="A-1",
    )
    (found,) = shown(run("workers", "--json"))
    assert 0 <= found.pop("heartbeat_age") < timedelta(minutes=1).total_seconds()
    assert found == {
        "id": here,
        "host": "here",
        "pid": 2,
        "slot": 0,
        "version": "test",
        "state": "DRAINING",
        "queue_length": 3,
        "current_order": "A-1",
    }
    table = run("workers").output
    assert "current order" in table
    assert table.split()[-1] == "A-1"


def test_without_a_worker_that_is_said(run: Run) -> None:
    result = run("workers")
    assert (result.exit_code, result.output) == (0, "No worker is alive.\n")
    assert shown(run("workers", "--json")) == []


def test_what_is_pruned_is_told_and_stays_in_the_totals(run: Run, engine: Engine) -> None:
    claims = place_and_claim(engine, draft(), draft(), draft(), draft())
    settle(engine, [ending(claims[0]), ending(claims[1]), ending(claims[2], FAIL)])
    assert run("prune", "--older-than", "1h").output.startswith("Deleted 0 orders")
    assert shown(run("prune", "--older-than", "0s", "--json")) == {
        "pruned": 3,
        "by_status": {"COMPLETED": 2, "FAILED": 1, "CANCELLED": 0},
    }
    assert statuses(engine) == ["PROCESSING"]
    assert shown(run("stats", "--json"))["total_orders"] == 4
    assert run("verify").exit_code == 0
    result = run("prune", "--older-than", "0s")
    assert (result.exit_code, result.output) == (
        0,
        "Deleted 0 orders: 0 COMPLETED, 0 FAILED, 0 CANCELLED.\n",
    )


@pytest.mark.parametrize("age", ["30", "d", "-1d", "1.5h", "30 d", "1y", "999999d", ""])
def test_an_age_that_is_none_deletes_nothing(run: Run, engine: Engine, age: str) -> None:
    settle(engine, [ending(place_and_claim(engine)[0])])
    result = run("prune", "--older-than", age)
    assert (result.exit_code, len(all_rows(engine))) == (2, 1)
    assert "should be a number and a unit, such as 30d or 12h" in result.output


def test_verify_is_content_where_counters_and_rows_agree(run: Run, engine: Engine) -> None:
    place(engine)
    result = run("verify")
    assert (result.exit_code, result.output) == (0, "The counters agree with the rows.\n")
    result = run("verify", "--json")
    assert (result.exit_code, json.loads(result.output)) == (0, {"ok": True, "differences": []})


def test_verify_finds_a_planted_difference(run: Run, engine: Engine) -> None:
    (placed,) = place(engine)
    overwrite(engine, placed.id, status=OrderStatus.CANCELLED, completed_at=utc_now())
    result = run("verify")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "PENDING: the counters say 1, there are 0 rows",
        "CANCELLED: the counters say 0, there are 1 rows",
    ]
    result = run("verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "ok": False,
        "differences": [
            {"status": "PENDING", "counted": 1, "found": 0},
            {"status": "CANCELLED", "counted": 0, "found": 1},
        ],
    }
