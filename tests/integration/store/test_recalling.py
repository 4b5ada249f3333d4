"""Bringing back retries that a wrong clock has put off."""

from datetime import timedelta

from sqlalchemy import Engine

from app.clock import utc_now
from app.orders import store
from app.orders.lifecycle import RETRY_LATER
from tests.builders import draft, ending
from tests.integration.moves import all_rows, in_transaction, place, place_and_claim, settle


def test_a_retry_later_than_any_can_be_is_due_now_and_no_other(engine: Engine) -> None:
    now = utc_now()
    latest = now + timedelta(seconds=900)
    first, second = place_and_claim(engine, draft("soon"), draft("next year"))
    settle(engine, [ending(first, RETRY_LATER, available_at=latest)])
    settle(engine, [ending(second, RETRY_LATER, available_at=now + timedelta(days=365))])
    place(engine, draft("fresh"))
    before = all_rows(engine)
    assert in_transaction(engine, store.recall, now=now, latest=latest) == 1
    after = all_rows(engine)
    assert [row.available_at for row in after] == [latest, now, before[2].available_at]
    assert [row.fence for row in after] == [row.fence for row in before]
    assert in_transaction(engine, store.recall, now=now, latest=latest) == 0
