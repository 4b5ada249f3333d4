"""Taking orders in: batches of which one fails, repetitions, and COMMITs without an answer."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InternalError

from app.breaker import breaker_of
from app.clock import utc_now
from app.orders import service as service_module
from app.orders.errors import (
    IdempotencyKeyReusedError,
    OrderError,
    OrderExistsError,
    OrderRefusedError,
    OutcomeUnknownError,
    UnavailableError,
)
from app.orders.lifecycle import Draft, Placed
from app.orders.service import OrderService
from app.transactions import MAX_TRIES
from tests.builders import draft
from tests.integration.commits import Commits
from tests.integration.moves import (
    REPETITIONS,
    Queue,
    all_rows,
    differences,
    logged_moves,
    totals,
)

only_on = pytest.mark.only_on


def order_ids(engine: Engine) -> list[str]:
    return [each.order_id for each in all_rows(engine)]


def place_until_known(service: OrderService, drafts: list[Draft]) -> list[Placed | OrderError]:
    """Place the drafts, and again those whose outcome stayed open, as their senders do."""
    placed = service.place(drafts)
    for _ in range(REPETITIONS):
        for number, outcome in enumerate(placed):
            if isinstance(outcome, OutcomeUnknownError):
                (placed[number],) = service.place([drafts[number]])
    return placed


def test_a_batch_is_durable_counted_and_enqueued(
    engine: Engine, service: OrderService, queue: Queue
) -> None:
    drafts = [draft() for _ in range(5)]
    placed = service.place(drafts)
    assert [each.draft for each in placed] == drafts
    assert order_ids(engine) == [each.order_id for each in drafts]
    assert queue == [each.hint for each in placed]
    assert totals(engine) == {"place": 5}


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_only_the_duplicate_in_a_batch_fails(
    engine: Engine, service: OrderService, queue: Queue, size: int
) -> None:
    service.place([draft("taken")])
    queue.clear()
    drafts = [draft() for _ in range(size)]
    drafts[size // 2] = draft("taken", user_id="another")
    placed = service.place(drafts)
    assert [type(each) for each in placed].count(Placed) == size - 1
    refusal = placed[size // 2]
    assert type(refusal) is OrderExistsError
    assert str(refusal) == "order 'taken' exists already"
    assert sorted(order_ids(engine)) == sorted({"taken"} | {each.order_id for each in drafts})
    assert len(queue) == size - 1
    assert differences(engine) == []


def test_an_order_id_twice_in_one_batch_is_taken_once(
    engine: Engine, service: OrderService
) -> None:
    now = utc_now()
    first, second = (
        draft("A-1", created_at=now),
        draft("A-1", created_at=now + timedelta(seconds=1)),
    )
    placed = service.place([draft(), first, draft(), second])
    assert [type(each) for each in placed] == [Placed, Placed, Placed, OrderExistsError]
    assert totals(engine) == {"place": 3}


def test_the_same_key_twice_in_one_batch_is_one_order(
    engine: Engine, service: OrderService
) -> None:
    drafts = [draft(key="k"), draft(), draft(key="k"), draft(key="k")]
    first, other, *again = service.place(drafts)
    assert (first.replayed, other.replayed) == (False, False)
    for each in again:
        assert each.replayed
        assert (each.id, each.draft.order_id) == (first.id, first.draft.order_id)
    assert totals(engine) == {"place": 2}


def test_a_replay_is_the_first_order_and_moves_nothing(
    engine: Engine, service: OrderService, queue: Queue
) -> None:
    (first,) = service.place([draft(key="k")])
    queue.clear()
    before = all_rows(engine)
    (again,) = service.place([draft(key="k")])
    assert again.replayed
    assert (again.id, again.draft.order_id) == (first.id, first.draft.order_id)
    assert again.draft.created_at == first.draft.created_at
    assert all_rows(engine) == before
    assert queue == []


def test_a_replay_that_names_its_order_is_a_replay(service: OrderService) -> None:
    (first,) = service.place([draft("A-1", key="k")])
    (again,) = service.place([draft("A-1", key="k", created_at=utc_now() + timedelta(seconds=1))])
    assert again.replayed
    assert again.id == first.id


def test_a_key_with_another_content_is_refused(engine: Engine, service: OrderService) -> None:
    service.place([draft("A-1", key="k")])
    (refusal,) = service.place([draft(key="k", total_amount="60")])
    assert type(refusal) is IdempotencyKeyReusedError
    assert "'A-1'" in str(refusal)
    assert totals(engine) == {"place": 1}


def test_a_key_and_an_order_id_of_two_other_orders_are_the_keys(service: OrderService) -> None:
    (first,) = service.place([draft("A-1", key="k")])
    service.place([draft("B-2")])
    (again,) = service.place([draft("B-2", key="k")])
    assert again.replayed
    assert again.id == first.id


def test_an_order_id_whose_owner_had_no_key_is_taken(service: OrderService) -> None:
    service.place([draft("A-1")])
    (refusal,) = service.place([draft("A-1", key="k", created_at=utc_now() + timedelta(seconds=1))])
    assert type(refusal) is OrderExistsError


@only_on("mariadb", "postgresql")
def test_what_the_database_does_not_take_is_refused_alone(
    engine: Engine, service: OrderService
) -> None:
    bad = draft(total_amount="99999999999999.00")
    good = draft()
    placed = service.place([draft(), bad, good])
    assert [type(each) for each in placed] == [Placed, OrderRefusedError, Placed]
    assert differences(engine) == []


# --- COMMITs without an answer -------------------------------------------------------------------

LOST = [[True], [False], [True, True], [False, True], [True, False], [False, False]]


@pytest.mark.parametrize("happened", LOST, ids=str)
@pytest.mark.parametrize("size", [1, 3])
def test_a_lost_commit_places_every_order_once(
    engine: Engine,
    service: OrderService,
    queue: Queue,
    commits: Commits,
    happened: list[bool],
    size: int,
) -> None:
    drafts = [draft(f"order-{number}") for number in range(size)]
    commits.lose(*happened)
    placed = place_until_known(service, drafts)
    assert commits.all_lost
    assert [(type(each), each.draft) for each in placed] == [(Placed, each) for each in drafts]
    assert [each.replayed for each in placed] == [False] * size
    assert sorted(order_ids(engine)) == [each.order_id for each in drafts]
    assert {each.id for each in queue} == {each.id for each in placed}
    assert totals(engine) == {"place": size}


@pytest.mark.parametrize("happened", [True, False])
def test_a_lost_commit_beside_a_duplicate_places_the_others_once(
    engine: Engine, service: OrderService, commits: Commits, happened: bool
) -> None:
    service.place([draft("taken")])
    drafts = [draft(), draft("taken", user_id="another"), draft(), draft()]
    commits.lose(happened)
    placed = place_until_known(service, drafts)
    assert [type(each) for each in placed] == [Placed, OrderExistsError, Placed, Placed]
    assert totals(engine) == {"place": 4}
    assert differences(engine) == []


@pytest.mark.parametrize("happened", [True, False])
def test_a_lost_commit_whose_sender_repeats_with_its_key_is_one_order(
    engine: Engine, service: OrderService, commits: Commits, happened: bool
) -> None:
    commits.lose(*[happened] * MAX_TRIES)
    (lost,) = service.place([draft(key="k")])
    if isinstance(lost, Placed):
        assert happened, "only what happened can be told from the row"
    else:
        assert isinstance(lost, OutcomeUnknownError)
    commits.lose_no_more()
    (again,) = service.place([draft(key="k", created_at=utc_now() + timedelta(seconds=1))])
    assert isinstance(again, Placed)
    assert again.replayed is happened
    assert totals(engine) == {"place": 1}


def test_a_bug_in_one_part_of_a_batch_takes_no_other_along(
    engine: Engine, service: OrderService, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = service_module.write_orders
    bug = InternalError("INSERT", None, Exception("of a kind that nobody knows"))

    def fail_at_b(connection: Connection, drafts: Sequence[Draft], *, worker_id: int) -> list[int]:
        if drafts[0].order_id == "B-2":
            raise bug
        return write(connection, drafts, worker_id=worker_id)

    monkeypatch.setattr(service_module, "MAX_ITEMS", 2)  # of one order
    monkeypatch.setattr(service_module, "write_orders", fail_at_b)
    first, second, third = service.place([draft("A-1"), draft("B-2"), draft("C-3")])
    assert isinstance(first, Placed)
    assert second is bug
    assert isinstance(third, Placed)
    assert order_ids(engine) == ["A-1", "C-3"]


def test_an_order_whose_commit_was_lost_is_logged_as_any_other(
    service: OrderService, commits: Commits, caplog: pytest.LogCaptureFixture
) -> None:
    commits.lose(True)
    with logged_moves(caplog) as moves:
        place_until_known(service, [draft("A-1"), draft("B-2")])
    assert moves == [("place", "A-1"), ("place", "B-2")]


def test_a_batch_that_is_split_while_the_database_goes_away_is_in_doubt(
    engine: Engine, service: OrderService, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost COMMIT of the whole batch may be what it has collided with."""
    service.place([draft("taken")])
    queue.clear()
    checks = count()

    def go_away() -> None:
        if next(checks):
            raise UnavailableError("the database is away")

    monkeypatch.setattr(breaker_of(engine), "check", go_away)
    outcomes = service.place([draft(), draft("taken")])
    assert [type(each) for each in outcomes] == [OutcomeUnknownError] * 2
    assert queue == []


def test_a_commit_that_never_succeeds_leaves_nothing_and_says_so(
    engine: Engine, service: OrderService, queue: Queue, commits: Commits
) -> None:
    commits.lose(*[False] * MAX_TRIES)
    outcomes: list[Any] = service.place([draft(), draft()])
    assert [type(each) for each in outcomes] == [OutcomeUnknownError] * 2
    commits.lose_no_more()
    assert all_rows(engine) == []
    assert (totals(engine), queue) == ({}, [])


def test_the_largest_orders_are_not_too_large_together(
    service: OrderService, engine: Engine
) -> None:
    longest = ["\x01" * 63 + str(n % 10) for n in range(1000)]  # six characters each as JSON
    drafts = [draft(), *(draft(item_ids=longest) for _ in range(48)), draft()]
    placed = service.place(drafts)
    assert [each.draft for each in placed] == drafts
    assert [each.order_id for each in all_rows(engine)] == [each.order_id for each in drafts]
    assert totals(engine) == {"place": 50}
