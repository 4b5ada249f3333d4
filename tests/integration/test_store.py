"""The statements that move orders: their guards, what they write, and what they leave alone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.clock import utc_now
from app.database import db
from app.orders import store, workers
from app.orders.lifecycle import (
    ADOPT,
    COMPLETE,
    FAIL,
    FOREVER_DUE,
    RELEASE,
    RETRY_LATER,
    Claim,
    Hint,
    OrderStatus,
    Transition,
)
from app.schema import migrate
from app.settings import Settings
from tests.builders import draft, ending, hint, identity
from tests.integration.moves import (
    OTHER,
    OWNER,
    adopt,
    all_rows,
    claim,
    in_transaction,
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


ODD_TEXT = "naïve 漢字 \U0001f600 \"quoted\" \\ 'single' \n\t; DROP TABLE orders; -- %s :x \u2028"


# --- place ---------------------------------------------------------------------------------------


def test_a_placed_order_is_pending_and_holds_what_was_sent(engine: Engine) -> None:
    sent = draft("A-1", user_id=ODD_TEXT[:64], item_ids=[3, "x", 3, 2**63 - 1], key="k")
    (placed,) = place(engine, sent)
    found = row(engine, placed.id)
    assert (found.order_id, found.user_id, found.item_ids) == ("A-1", sent.user_id, sent.item_ids)
    assert found.total_amount == sent.total_amount
    assert (found.request_hash, found.idempotency_hash) == (
        sent.request_hash,
        sent.idempotency_hash,
    )
    assert (found.status, found.fence, found.attempts) == (OrderStatus.PENDING, 0, 0)
    assert (found.solo, found.owner_id, found.last_error) == (False, None, None)
    assert (found.available_at, found.started_at, found.completed_at) == (FOREVER_DUE, None, None)
    assert found.created_at == found.updated_at == sent.created_at


@pytest.mark.parametrize("amount", ["0", "0.01", "0.10", "59.99", "1234567.89", "9999999999.99"])
def test_an_amount_is_kept_exactly(engine: Engine, amount: str) -> None:
    (placed,) = place(engine, draft(total_amount=amount))
    assert row(engine, placed.id).total_amount == draft(total_amount=amount).total_amount


def test_ids_come_back_in_the_order_of_the_drafts(engine: Engine) -> None:
    drafts = [draft(f"{number * 7919 % 1000:03}") for number in range(500)]
    ids = in_transaction(engine, store.place, drafts)
    by_id = {each.id: each.order_id for each in all_rows(engine)}
    assert [by_id[row_id] for row_id in ids] == [each.order_id for each in drafts]


def test_ids_are_read_back_where_an_insert_returns_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on MySQL."""
    monkeypatch.setattr(engine.dialect, "insert_returning", False)
    place(engine, draft("before"))
    test_ids_come_back_in_the_order_of_the_drafts(engine)


def test_order_ids_differ_in_case(engine: Engine) -> None:
    place(engine, draft("A-1"), draft("a-1"))
    assert len(all_rows(engine)) == 2


@pytest.mark.parametrize(
    "second",
    [lambda: draft("A-1"), lambda: draft("B-2", key="k")],
    ids=["order_id", "idempotency key"],
)
def test_a_name_that_is_taken_writes_nothing(engine: Engine, second: Callable[[], Any]) -> None:
    place(engine, draft("A-1", key="k"))
    with pytest.raises(IntegrityError):
        place(engine, draft("C-3"), second())
    assert [each.order_id for each in all_rows(engine)] == ["A-1"]


# --- claim ---------------------------------------------------------------------------------------


def test_a_claim_takes_an_order_with_owner_fence_attempt_and_time(engine: Engine) -> None:
    (placed,) = place(engine)
    before = utc_now()
    claims, moved = in_transaction(engine, store.claim, [placed], owner_id=OWNER)
    found = row(engine, placed.id)
    assert (claims, moved) == ([Claim(placed)], 1)
    assert (found.status, found.owner_id) == (OrderStatus.PROCESSING, OWNER)
    assert (found.fence, found.attempts) == (claims[0].fence, claims[0].attempt) == (1, 1)
    assert before <= found.started_at == found.updated_at <= utc_now()


def test_claims_come_by_id_whatever_the_order_of_the_hints(engine: Engine) -> None:
    placed = place(engine, *(draft() for _ in range(5)))
    claims = claim(engine, [*reversed(placed), placed[2]])
    assert [each.hint.id for each in claims] == [each.id for each in placed]


def test_hints_of_different_fences_are_claimed_together(engine: Engine) -> None:
    fresh, tried = place(engine, draft(), draft())
    settle(engine, [ending(claim(engine, [tried])[0], RETRY_LATER)])
    claims = claim(engine, seen(engine, [fresh.id, tried.id]))
    assert {each.hint.id: each.attempt for each in claims} == {fresh.id: 1, tried.id: 2}


def test_what_another_has_claimed_is_not_claimed(engine: Engine) -> None:
    placed = place(engine, *(draft() for _ in range(4)))
    claim(engine, placed[1:3], owner=OTHER)
    claims, moved = in_transaction(engine, store.claim, placed, owner_id=OWNER)
    assert [each.hint.id for each in claims] == [placed[0].id, placed[3].id]
    assert moved == 2
    assert row(engine, placed[1].id).owner_id == OTHER


def test_a_claim_that_was_lost_in_a_commit_is_read_back_and_moves_nothing(engine: Engine) -> None:
    placed = place(engine, draft(), draft())
    first = claim(engine, placed)
    again, moved = in_transaction(engine, store.claim, placed, owner_id=OWNER)
    assert (again, moved) == (first, 0)
    assert [each.fence for each in all_rows(engine)] == [1, 1]


@pytest.mark.parametrize("transition", [COMPLETE, FAIL, RETRY_LATER, RELEASE])
def test_a_hint_at_what_has_ended_since_claims_nothing(
    engine: Engine, transition: Transition
) -> None:
    placed = place(engine)
    settle(engine, [ending(claim(engine, placed)[0], transition)])
    assert claim(engine, placed) == []


def test_a_hint_at_no_row_claims_nothing(engine: Engine) -> None:
    assert claim(engine, [hint(4711)]) == []


def test_a_clock_that_jumped_back_starts_no_order_before_its_creation(engine: Engine) -> None:
    later = utc_now() + timedelta(hours=1)
    (claimed,) = place_and_claim(engine, draft(created_at=later))
    assert row(engine, claimed.hint.id).started_at == later


# --- due -----------------------------------------------------------------------------------------


def due(engine: Engine, limit: int = 100, *, now: datetime | None = None) -> list[int]:
    found, _more = in_transaction(engine, store.due, limit=limit, now=now or utc_now())
    return [each.id for each in found]


def test_the_oldest_are_due_first_and_no_more_than_asked_for(engine: Engine) -> None:
    ids = [each.id for each in place(engine, *(draft() for _ in range(5)))]
    assert due(engine, 3) == ids[:3]
    assert due(engine) == ids


def test_an_order_that_was_given_back_keeps_its_place(engine: Engine) -> None:
    ids = [each.id for each in place(engine, draft(), draft(), draft())]
    settle(engine, [ending(claim(engine, seen(engine, ids[:1]))[0], RELEASE)])
    assert due(engine) == ids


@only_on("postgresql")
def test_the_oldest_are_due_first_whatever_the_plan(engine: Engine) -> None:
    ids = [each.id for each in place(engine, draft(), draft(), draft())]
    settle(engine, [ending(claim(engine, seen(engine, ids[:1]))[0], RELEASE)])
    with engine.begin() as connection:
        for plan in ("indexscan", "bitmapscan", "indexonlyscan"):
            connection.execute(text(f"SET LOCAL enable_{plan} = off"))
        found, _more = store.due(connection, limit=2, now=utc_now())
    assert [each.id for each in found] == ids[:2]


def test_a_due_order_comes_as_a_hint_with_all_a_handler_needs(engine: Engine) -> None:
    (placed,) = place(engine, draft("A-1", user_id="u", item_ids=["x", 1]))
    (found,), _more = in_transaction(engine, store.due, limit=1, now=utc_now())
    assert found == placed
    assert isinstance(found, Hint)


def test_a_retry_is_due_when_its_time_has_come_and_after_those_that_never_waited(
    engine: Engine,
) -> None:
    retried, fresh = (each.id for each in place(engine, draft(), draft()))
    at = utc_now() + timedelta(minutes=1)
    (claimed,) = claim(engine, seen(engine, [retried]))
    settle(engine, [ending(claimed, RETRY_LATER, available_at=at)])
    assert due(engine) == [fresh]
    assert due(engine, now=at - timedelta(microseconds=1)) == [fresh]
    assert due(engine, now=at) == [fresh, retried]


@pytest.mark.parametrize("transition", [None, COMPLETE, FAIL])
def test_what_is_not_pending_is_not_due(engine: Engine, transition: Transition | None) -> None:
    (claimed,) = place_and_claim(engine)
    if transition:
        settle(engine, [ending(claimed, transition)])
    assert due(engine) == []


@pytest.mark.parametrize(
    ("solo", "first"),
    [([0], [0]), ([1], [0]), ([2], [0, 1]), ([0, 1, 2], [0]), ([], [0, 1, 2])],
)
def test_an_order_to_be_worked_on_alone_comes_alone(
    engine: Engine, solo: list[int], first: list[int]
) -> None:
    ids = [each.id for each in place(engine, draft(), draft(), draft())]
    for number in solo:
        overwrite(engine, ids[number], solo=True)
    assert due(engine) == [ids[number] for number in first]


@pytest.mark.parametrize(
    ("pending", "limit", "solo", "more"),
    [
        (0, 2, None, False),
        (1, 2, None, False),
        (2, 2, None, True),
        (3, 2, None, True),
        (1, 2, 0, False),
        (2, 9, 0, True),
        (3, 9, 1, True),
        (3, 9, 2, True),
        (3, 9, None, False),
    ],
)
def test_a_sweep_knows_whether_it_may_have_left_something(
    engine: Engine, pending: int, limit: int, solo: int | None, more: bool
) -> None:
    placed = [place(engine)[0].id for _ in range(pending)]
    if solo is not None:
        overwrite(engine, placed[solo], solo=True)
    assert in_transaction(engine, store.due, limit=limit, now=utc_now())[1] is more


@only_on("mariadb", "postgresql")
def test_two_workers_sweep_different_orders(engine: Engine, server: DatabaseServer) -> None:
    ids = [each.id for each in place(engine, *(draft() for _ in range(6)))]
    with engine.begin() as one, engine.begin() as other:
        ours = [each.id for each in store.due(one, limit=2, now=utc_now())[0]]
        theirs = [each.id for each in store.due(other, limit=2, now=utc_now())[0]]
        assert (ours, theirs) == (ids[:2], ids[2:4])


@only_on("mariadb", "postgresql")
def test_a_sweep_that_claims_everything_holds_up_no_insert(
    engine: Engine, server: DatabaseServer
) -> None:
    place(engine, draft(), draft())
    with engine.begin() as sweeping:
        hints, _more = store.due(sweeping, limit=100, now=utc_now())
        store.claim(sweeping, hints, owner_id=OWNER)
        place(engine, draft())
    assert statuses(engine) == ["PROCESSING", "PROCESSING", "PENDING"]


# --- settle --------------------------------------------------------------------------------------


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
    client = client_of(Settings(database_url=mariadb_server.url("latin1")))
    with client.application.app_context():
        migrate(db.engine)
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


# --- adopt ---------------------------------------------------------------------------------------


def test_the_orders_of_a_worker_that_is_gone_are_pending_again_and_solo(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    (adopted,) = adopt(engine)
    found = row(engine, claimed.hint.id)
    assert (adopted.claim, adopted.transition) == (claimed, ADOPT)
    assert (found.status, found.fence, found.attempts) == (OrderStatus.PENDING, 2, 1)
    assert (found.solo, found.owner_id) == (True, None)
    assert (found.available_at, found.started_at) == (FOREVER_DUE, None)


def test_an_adopted_order_that_completes_is_solo_no_more(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    adopt(engine)
    (again,) = claim(engine, seen(engine, [claimed.hint.id]))
    assert again.hint.solo
    settle(engine, [ending(again)])
    assert not row(engine, claimed.hint.id).solo


@pytest.mark.parametrize("draining", [False, True])
def test_the_orders_of_a_worker_that_lives_are_left_to_it(engine: Engine, draining: bool) -> None:
    alive = in_transaction(engine, workers.register, identity())
    state = workers.WorkerState.DRAINING if draining else workers.WorkerState.ACTIVE
    in_transaction(engine, workers.beat, alive, state=state, queue_length=0, current_order=None)
    place_and_claim(engine, owner=alive)
    assert adopt(engine) == []
    in_transaction(engine, workers.leave, alive)
    assert len(adopt(engine)) == 1


@only_on("mariadb", "postgresql")
def test_a_worker_whose_row_is_just_being_written_is_alive(
    engine: Engine, server: DatabaseServer
) -> None:
    """Its beat holds a lock on its row; to skip what is locked must not mean to miss it."""
    alive = in_transaction(engine, workers.register, identity())
    place_and_claim(engine, owner=alive)
    with engine.begin() as beating:
        workers.beat(
            beating, alive, state=workers.WorkerState.ACTIVE, queue_length=0, current_order=None
        )
        assert adopt(engine) == []


def test_an_order_whose_attempts_are_used_up_fails_instead(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    (adopted,) = adopt(engine, max_attempts=1)
    found = row(engine, claimed.hint.id)
    assert adopted.transition is FAIL
    assert (found.status, found.fence, found.attempts) == (OrderStatus.FAILED, 2, 1)
    assert found.last_error == "its worker died during attempt 1"
    assert found.created_at <= found.started_at <= found.completed_at


def test_what_nobody_works_on_is_not_adopted(engine: Engine) -> None:
    claims = place_and_claim(engine, draft(), draft(), draft())
    settle(engine, [ending(claims[0]), ending(claims[1], FAIL), ending(claims[2], RELEASE)])
    before = all_rows(engine)
    assert adopt(engine) == []
    assert all_rows(engine) == before


def test_no_more_are_adopted_at_once_than_the_bound(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_and_claim(engine, *(draft() for _ in range(store.ADOPTED_AT_ONCE + 3)))
    assert [len(adopt(engine)) for _ in range(3)] == [store.ADOPTED_AT_ONCE, 3, 0]


@only_on("mariadb", "postgresql")
def test_two_that_adopt_at_once_adopt_nothing_twice(engine: Engine, server: DatabaseServer) -> None:
    place_and_claim(engine, draft(), draft())
    with engine.begin() as one:
        first = store.adopt(one, max_attempts=5)
        with engine.begin() as other:
            assert store.adopt(other, max_attempts=5) == []
    assert len(first) == 2
    assert [each.fence for each in all_rows(engine)] == [2, 2]


# --- the table itself ----------------------------------------------------------------------------

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901)  # noqa: DTZ001 -- the tables hold naive UTC
PROCESSING = {"status": "PROCESSING", "started_at": NOW, "owner_id": OWNER}
NONSENSE = {
    "an unknown status": {"status": "LOST"},
    "pending with an end": {"completed_at": NOW},
    "processing without a start": PROCESSING | {"started_at": None},
    "processing without an owner": PROCESSING | {"owner_id": None},
    "processing with an end": PROCESSING | {"completed_at": NOW},
    "completed without an end": {"status": "COMPLETED", "started_at": NOW},
    "completed without a start": {"status": "COMPLETED", "completed_at": NOW},
    "failed without an end": {"status": "FAILED"},
    "cancelled without an end": {"status": "CANCELLED"},
    "started before it was created": PROCESSING | {"started_at": NOW - timedelta(microseconds=1)},
    "ended before it was started": {
        "status": "COMPLETED",
        "started_at": NOW,
        "completed_at": NOW - timedelta(microseconds=1),
    },
}


@pytest.mark.parametrize("columns", NONSENSE.values(), ids=NONSENSE)
def test_the_table_refuses_nonsense(engine: Engine, columns: dict[str, Any]) -> None:
    place(engine, draft(created_at=NOW))
    before = all_rows(engine)
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    values = {
        name: value.isoformat(" ", "microseconds") if isinstance(value, datetime) else value
        for name, value in columns.items()
    }
    with pytest.raises(DBAPIError, match=r"(?i)constraint"), engine.begin() as connection:
        connection.execute(text(f"UPDATE orders SET {changes}"), values)
    assert all_rows(engine) == before
