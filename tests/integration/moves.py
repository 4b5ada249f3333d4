"""Moves of orders, each in a transaction of its own, and looks at what they led to."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, Engine, select, update

from app.orders import counters, store
from app.orders.audit import Difference, audit
from app.orders.errors import OutcomeUnknownError
from app.orders.lifecycle import CLAIM, PLACE, Claim, Draft, Ending, Hint
from app.orders.model import orders
from tests.builders import draft

OWNER = 7
OTHER = 8
REPETITIONS = 3

Queue = list[Hint]
T = TypeVar("T")


def in_transaction(engine: Engine, work: Callable[..., T], *args: Any, **names: Any) -> T:
    """Run one statement of the store, or the like, and commit it."""
    with engine.begin() as connection:
        return work(connection, *args, **names)


def place(engine: Engine, *drafts: Draft) -> list[Hint]:
    """Place the drafts, by default one, and count them; returns their hints."""
    drafts = drafts or (draft(),)

    def work(connection: Connection) -> list[Hint]:
        ids = store.place(connection, drafts)
        counters.add(connection, OWNER, counters.Counter({PLACE.name: len(drafts)}))
        return hints(connection, ids)

    return in_transaction(engine, work)


def claim(engine: Engine, wanted: Iterable[Hint], *, owner: int = OWNER) -> list[Claim]:
    """Claim what can be claimed, and count it; returns the claims."""

    def work(connection: Connection) -> list[Claim]:
        claims, moved = store.claim(connection, wanted, owner_id=owner)
        counters.add(connection, owner, counters.Counter({CLAIM.name: moved}))
        return claims

    return in_transaction(engine, work)


def place_and_claim(engine: Engine, *drafts: Draft, owner: int = OWNER) -> list[Claim]:
    """Place the drafts, by default one, and claim them; returns the claims."""
    return claim(engine, place(engine, *drafts), owner=owner)


def settle(
    engine: Engine, endings: Sequence[Ending], *, owner: int = OWNER
) -> tuple[list[Ending], list[Ending]]:
    """End attempts, and count them; returns which moved and which were stale."""

    def work(connection: Connection) -> tuple[list[Ending], list[Ending]]:
        moved, stale = store.settle(connection, endings, owner_id=owner)
        counters.add(connection, owner, counters.tally_endings(moved))
        return moved, stale

    return in_transaction(engine, work)


def adopt(engine: Engine, *, max_attempts: int = 5) -> list[Ending]:
    """Adopt what nobody holds, and count it; returns the endings that moved."""

    def work(connection: Connection) -> list[Ending]:
        moved = store.adopt(connection, max_attempts=max_attempts)
        counters.add(connection, OWNER, counters.tally_endings(moved))
        return moved

    return in_transaction(engine, work)


def until_known(work: Callable[[], T]) -> T:
    """Repeat what a lost COMMIT has left open until it is known, as its caller would."""
    for _ in range(REPETITIONS):
        try:
            return work()
        except OutcomeUnknownError:
            continue
    return work()


def hints(connection: Connection, ids: Iterable[int]) -> list[Hint]:
    """Return hints at these rows as they are now, by id."""
    columns = [orders.c[name] for name in Hint._fields]
    rows = connection.execute(select(*columns).where(orders.c.id.in_(ids)).order_by(orders.c.id))
    return [Hint(*row) for row in rows]


def seen(engine: Engine, ids: Iterable[int]) -> list[Hint]:
    """Return hints at these rows as they are now, by id."""
    return in_transaction(engine, hints, list(ids))


def row(engine: Engine, row_id: int) -> Any:
    """Return every column of one order."""
    return in_transaction(engine, _row, row_id)


def all_rows(engine: Engine) -> Sequence[Any]:
    """Return every order, by id."""
    with engine.execution_options(read_only=True).begin() as connection:  # waits for no writer
        return connection.execute(select(orders).order_by(orders.c.id)).all()


def statuses(engine: Engine) -> list[str]:
    """Return the status of every order, by id."""
    return [str(each.status) for each in all_rows(engine)]


def totals(engine: Engine) -> dict[str, int]:
    """Return every counter, summed over all workers."""
    return in_transaction(engine, counters.totals)


def differences(engine: Engine) -> list[Difference]:
    """Return where counters and rows disagree."""
    return in_transaction(engine, audit)


def overwrite(engine: Engine, row_id: int, **columns: Any) -> None:
    """Put a row into a state that no transition leads to."""
    with engine.begin() as connection:
        connection.execute(update(orders).where(orders.c.id == row_id).values(**columns))


@contextmanager
def logged_moves(caplog: pytest.LogCaptureFixture) -> Iterator[list[tuple[str, str]]]:
    """Yield a list that holds, at the end, the name and order id of each transition logged."""
    moves: list[tuple[str, str]] = []
    with caplog.at_level(logging.DEBUG, "app.orders.moves"):
        yield moves
    lines = [each for each in caplog.records if each.msg == "order moved"]
    moves += [(each.action, each.order_id) for each in lines]


def _row(connection: Connection, row_id: int) -> Any:
    return connection.execute(select(orders).where(orders.c.id == row_id)).one()
