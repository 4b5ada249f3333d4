"""Cancelling and retrying by hand when the answer of the COMMIT is lost."""

import pytest
from sqlalchemy import Engine

from app.orders.errors import WrongStatusError
from app.orders.lifecycle import FAIL
from app.orders.manual import ManualMoves
from tests.builders import draft, ending
from tests.integration.commits import Commits
from tests.integration.moves import (
    OTHER,
    OWNER,
    claim,
    differences,
    place,
    place_and_claim,
    seen,
    settle,
    statuses,
    totals,
    until_known,
)

only_on = pytest.mark.only_on


@pytest.fixture
def manual(engine: Engine) -> ManualMoves:
    return ManualMoves(engine, worker_id=lambda: OWNER)


def failed(engine: Engine) -> int:
    """Return the id of the order A-1, which has failed."""
    (held,) = place_and_claim(engine, draft("A-1"))
    settle(engine, [ending(held, FAIL)])
    return held.hint.id


@pytest.mark.parametrize("happened", [True, False])
def test_a_cancellation_in_doubt_happens_once(
    engine: Engine, manual: ManualMoves, commits: Commits, happened: bool
) -> None:
    place(engine, draft("A-1"))
    commits.lose(happened)
    assert until_known(lambda: manual.cancel("A-1")).status == "CANCELLED"
    assert totals(engine)["cancel"] == 1
    assert differences(engine) == []


@pytest.mark.parametrize("happened", [True, False])
def test_a_retry_in_doubt_happens_once(
    engine: Engine, manual: ManualMoves, commits: Commits, happened: bool
) -> None:
    failed(engine)
    commits.lose(happened)
    try:
        assert until_known(lambda: manual.retry("A-1")).status == "PENDING"
    except WrongStatusError:  # repeated by its caller: it stands PENDING already
        assert engine.dialect.name == "sqlite"
        assert happened
    assert totals(engine)["reopen_failed"] == 1
    assert differences(engine) == []


def test_a_cancellation_that_did_not_happen_before_a_claim_is_refused(
    engine: Engine, manual: ManualMoves, commits: Commits
) -> None:
    hints = place(engine, draft("A-1"))
    commits.lose(False, meanwhile=lambda: claim(engine, hints, owner=OTHER))
    with pytest.raises(WrongStatusError, match="PROCESSING"):
        until_known(lambda: manual.cancel("A-1"))
    assert statuses(engine) == ["PROCESSING"]
    assert differences(engine) == []


@only_on("mariadb", "postgresql")
def test_a_retry_that_happened_and_was_claimed_at_once_is_no_error(
    engine: Engine, manual: ManualMoves, commits: Commits
) -> None:
    row_id = failed(engine)
    commits.lose(True, meanwhile=lambda: claim(engine, seen(engine, [row_id]), owner=OTHER))
    assert manual.retry("A-1").status == "PROCESSING"
    assert totals(engine)["reopen_failed"] == 1
    assert differences(engine) == []


def test_what_was_rolled_back_is_not_taken_for_done(
    engine: Engine, manual: ManualMoves, commits: Commits
) -> None:
    hints = place(engine, draft("A-1"))
    commits.refuse(meanwhile=lambda: claim(engine, hints, owner=OTHER))
    with pytest.raises(WrongStatusError, match="PROCESSING"):
        manual.cancel("A-1")
    assert differences(engine) == []
