"""What is kept of attempts that did not complete their order."""

from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from app.orders.lifecycle import COMPLETE, FAIL, RELEASE, RETRY_LATER, Transition
from app.orders.model import attempts
from tests.builders import ODD_TEXT, draft, ending
from tests.integration.moves import (
    adopt,
    claim,
    overwrite,
    place_and_claim,
    row,
    seen,
    settle,
)


def kept(engine: Engine) -> list[Any]:
    """Return every attempt that was written down, in order."""
    by_order = select(attempts).order_by(attempts.c.order_row_id, attempts.c.fence)
    with engine.begin() as connection:
        return list(connection.execute(by_order))


@pytest.mark.parametrize("transition", [FAIL, RETRY_LATER, RELEASE])
def test_an_attempt_that_does_not_complete_is_kept_with_its_times_and_its_error(
    engine: Engine, transition: Transition
) -> None:
    (claimed,) = place_and_claim(engine)
    ended = ending(claimed, transition, error=ODD_TEXT)
    settle(engine, [ended])
    (found,) = kept(engine)
    assert (found.order_row_id, found.fence, found.attempt) == (claimed.hint.id, 1, 1)
    assert (found.started_at, found.ended_at) == (ended.started_at, ended.ended_at)
    assert (found.outcome, found.error) == (transition.name, ODD_TEXT)


def test_an_attempt_that_was_never_begun_has_no_start(engine: Engine) -> None:
    (claimed,) = place_and_claim(engine)
    settle(engine, [ending(claimed, RELEASE, started_at=None, ended_at=None)])
    (found,) = kept(engine)
    assert found.started_at is None
    assert found.ended_at >= claimed.hint.created_at


@pytest.mark.parametrize(("max_attempts", "outcome"), [(5, "adopt"), (1, "fail")])
def test_an_attempt_whose_worker_died_is_kept_from_its_claim_to_its_adoption(
    engine: Engine, max_attempts: int, outcome: str
) -> None:
    (claimed,) = place_and_claim(engine)
    started_at = row(engine, claimed.hint.id).started_at
    adopt(engine, max_attempts=max_attempts)
    (found,) = kept(engine)
    assert (found.attempt, found.outcome, found.started_at) == (1, outcome, started_at)
    assert found.ended_at >= started_at


def test_every_attempt_at_an_order_is_kept(engine: Engine) -> None:
    (first,) = place_and_claim(engine)
    settle(engine, [ending(first, RETRY_LATER, error="out of paper")])
    (second,) = claim(engine, seen(engine, [first.hint.id]))
    settle(engine, [ending(second, FAIL, error="out of ink")])
    found = [(each.fence, each.attempt, each.error) for each in kept(engine)]
    assert found == [(1, 1, "out of paper"), (3, 2, "out of ink")]


def test_a_batch_that_completes_writes_nothing_more(engine: Engine) -> None:
    claims = place_and_claim(engine, draft(), draft())
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    settle(engine, [ending(each) for each in claims])
    assert [text for text in statements if "attempts (" in text] == []
    assert kept(engine) == []


def test_of_a_batch_only_what_moved_and_did_not_complete_is_kept(engine: Engine) -> None:
    completed, failed, stale = place_and_claim(engine, draft(), draft(), draft())
    overwrite(engine, stale.hint.id, fence=9)
    settle(engine, [ending(completed, COMPLETE), ending(failed, FAIL), ending(stale, FAIL)])
    assert [each.order_row_id for each in kept(engine)] == [failed.hint.id]


def test_endings_that_a_lost_commit_had_written_are_not_kept_twice(engine: Engine) -> None:
    endings = [ending(each, FAIL) for each in place_and_claim(engine, draft(), draft())]
    settle(engine, endings)
    settle(engine, endings)
    assert len(kept(engine)) == 2
