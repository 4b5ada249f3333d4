"""Ending attempts: where each leads, and which claims are no longer good for it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app.clock import utc_now
from app.database import db
from app.orders.lifecycle import COMPLETE, FAIL, RELEASE, RETRY_LATER, OrderStatus, Transition
from app.settings import Settings
from tests.builders import ODD_TEXT, draft, ending
from tests.databases import migrate
from tests.integration.moves import (
    OTHER,
    OWNER,
    adopt,
    all_rows,
    claim,
    overwrite,
    place,
    place_and_claim,
    row,
    seen,
    settle,
    statuses,
)
from tests.servers import DatabaseServer

only_on = pytest.mark.only_on


@pytest.mark.parametrize(
    ("transition", "status"),
    [
        (COMPLETE, OrderStatus.COMPLETED),
        (FAIL, OrderStatus.FAILED),
        (RETRY_LATER, OrderStatus.PENDING),
        (RELEASE, OrderStatus.PENDING),
    ],
)
def test_an_ending_leads_where_its_transition_says(
    engine: Engine, transition: Transition, status: OrderStatus
) -> None:
    (claimed,) = place_and_claim(engine)
    ended = ending(claimed, transition)
    assert settle(engine, [ended]) == ([ended], [])
    found = row(engine, claimed.hint.id)
    assert (found.status, found.fence, found.attempts, found.owner_id) == (status, 2, 1, OWNER)
    assert not found.solo


def test_a_completed_order_has_the_times_of_its_own_attempt(engine: Engine) -> None:
    claims = place_and_claim(engine, draft(), draft())
    start = utc_now()
    times = [
        (start + timedelta(seconds=n, microseconds=1), start + timedelta(hours=1 + n))
        for n in (1, 2)
    ]
    settle(
        engine,
        [
            ending(each, started_at=began, ended_at=ended)
            for each, (began, ended) in zip(claims, times, strict=True)
        ],
    )
    assert [(each.started_at, each.completed_at) for each in all_rows(engine)] == times


def test_a_retry_keeps_its_error_and_its_time_and_forgets_its_start(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    at = utc_now() + timedelta(seconds=90, microseconds=123456)
    settle(engine, [ending(claimed, RETRY_LATER, available_at=at, error=ODD_TEXT)])
    found = row(engine, claimed.hint.id)
    assert (found.available_at, found.last_error) == (at, ODD_TEXT)
    assert (found.started_at, found.completed_at) == (None, None)


def test_an_error_of_500_characters_fits_however_wide_they_are(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    settle(engine, [ending(claimed, FAIL, error="\U0001f600" * 500)])
    assert row(engine, claimed.hint.id).last_error == "\U0001f600" * 500


def test_an_error_is_kept_in_a_database_of_another_character_set(
    mariadb_server: DatabaseServer, client_of: Callable[[Settings], FlaskClient]
) -> None:
    """Before 11.6 a database on MariaDB is Latin-1 where nobody said otherwise."""
    mariadb_server.create_database("latin1")
    mariadb_server.administer("ALTER DATABASE latin1 CHARACTER SET latin1")
    migrate(url := mariadb_server.url("latin1"))
    client = client_of(Settings(database_url=url))
    with client.application.app_context():
        (claimed,) = place_and_claim(db.engine, draft(user_id="漢字"))
        settle(db.engine, [ending(claimed, FAIL, error=ODD_TEXT)])
        found = row(db.engine, claimed.hint.id)
    mariadb_server.drop_database("latin1")
    assert (found.user_id, found.last_error) == ("漢字", ODD_TEXT)


def test_a_success_clears_the_error_before_it(engine: Engine) -> None:
    (first,) = place_and_claim(engine)
    settle(engine, [ending(first, RETRY_LATER, error="out of paper")])
    (second,) = claim(engine, seen(engine, [first.hint.id]))
    settle(engine, [ending(second)])
    found = row(engine, first.hint.id)
    assert (found.last_error, found.fence, found.attempts) == (None, 4, 2)


def test_a_batch_ends_each_order_in_its_own_way(engine: Engine) -> None:
    claims = place_and_claim(engine, *(draft() for _ in range(4)))
    endings = [
        ending(each, transition)
        for each, transition in zip(claims, [COMPLETE, FAIL, RETRY_LATER, RELEASE], strict=True)
    ]
    moved, stale = settle(engine, endings[::-1])
    assert (moved, stale) == (endings, [])
    assert statuses(engine) == ["COMPLETED", "FAILED", "PENDING", "PENDING"]


def test_a_claim_that_was_taken_over_cannot_complete(engine: Engine) -> None:
    """Neither while another works on it nor after."""
    (late,) = place_and_claim(engine)
    adopt(engine)
    (theirs,) = claim(engine, seen(engine, [late.hint.id]), owner=OTHER)
    ended = ending(late)
    assert settle(engine, [ended]) == ([], [ended])
    assert row(engine, late.hint.id).status is OrderStatus.PROCESSING
    settle(engine, [ending(theirs)], owner=OTHER)
    before = row(engine, late.hint.id)
    assert settle(engine, [ended]) == ([], [ended])
    assert row(engine, late.hint.id) == before


def test_a_claim_that_came_back_to_the_same_worker_cannot_complete_under_the_old_fence(
    engine: Engine,
) -> None:
    (late,) = place_and_claim(engine)
    adopt(engine)
    (again,) = claim(engine, seen(engine, [late.hint.id]))
    ended = ending(late)
    assert settle(engine, [ended]) == ([], [ended])
    assert row(engine, again.hint.id).status is OrderStatus.PROCESSING


def test_one_stale_ending_does_not_hold_up_its_batch(engine: Engine) -> None:
    ours, stale = place_and_claim(engine, draft(), draft())
    overwrite(engine, stale.hint.id, fence=9)
    endings = [ending(ours), ending(stale)]
    assert settle(engine, endings) == (endings[:1], endings[1:])
    assert statuses(engine) == ["COMPLETED", "PROCESSING"]


@pytest.mark.parametrize("transition", [COMPLETE, FAIL, RETRY_LATER, RELEASE])
def test_an_ending_that_was_lost_in_a_commit_is_read_back_and_counted_no_more(
    engine: Engine, transition: Transition
) -> None:
    endings = [ending(each, transition) for each in place_and_claim(engine, draft(), draft())]
    settle(engine, endings)
    before = all_rows(engine)
    assert settle(engine, endings) == ([], [])
    assert all_rows(engine) == before


@only_on("mariadb", "postgresql")
@pytest.mark.parametrize("others", [1, 50])
def test_who_moves_its_own_orders_waits_for_no_order_of_another(
    engine: Engine, others: int
) -> None:
    locked, mine, also_mine = place(engine, draft(), draft(), draft())
    claims = claim(engine, [mine])
    place(engine, *(draft() for _ in range(others)))
    with engine.begin() as other:
        other.execute(text(f"UPDATE orders SET solo = true WHERE id = {locked.id}"))
        ended = ending(claims[0])
        assert settle(engine, [ended]) == ([ended], [])
        assert len(claim(engine, [also_mine])) == 1
        assert len(adopt(engine)) == 1
