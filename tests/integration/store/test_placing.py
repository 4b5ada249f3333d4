"""Writing orders down."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from app.orders import counters, store
from app.orders.lifecycle import FOREVER_DUE, OrderStatus
from tests.builders import ODD_TEXT, draft
from tests.integration.moves import OWNER, all_rows, in_transaction, place, row


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


def test_a_lone_order_has_its_own_id_whatever_is_written_beside_it(engine: Engine) -> None:
    place(engine, draft("A-1"), draft("A-2"))
    for order_id in ("B-1", "B-2"):
        (row_id,) = in_transaction(engine, partial(place_and_count, order_id=order_id))
        assert row(engine, row_id).order_id == order_id


def place_and_count(connection: Connection, order_id: str) -> list[int]:
    count = counters.adding(connection, OWNER, Counter({"place": 1, "other": 1}))
    return store.place(connection, [draft(order_id)], *count)


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
