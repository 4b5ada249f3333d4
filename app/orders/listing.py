"""Lists of orders, a page at a time, at a cost that does not grow with the table.

Orders are listed by id, the order they were written in (keyset pagination). Each list walks a part
of an index in which the entries lie by id: the primary key, a user's entries, or a status's. The
last do because `available_at` is one fixed date in every order but those that wait for a retry,
or had to; these are a walk of their own, sorted while it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Select, and_, case, select, union_all

from app.database import AnyRow
from app.orders.id_range import IdRange, ids_between
from app.orders.lifecycle import ENDS, FOREVER_DUE, OrderStatus
from app.orders.model import orders
from app.orders.queries import SHOWN

MAX_SCAN: Final = 10_000
"""Entries that one page looks through where no index knows both status and user."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders a list has, and from which end; None leaves a choice open."""

    status: OrderStatus | None = None
    user_id: str | None = None
    created_from: datetime | None = None
    """UTC; the moment itself belongs to the list."""
    created_to: datetime | None = None
    """UTC; the moment itself belongs to the list."""
    oldest_first: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders of a list, in its order."""

    rows: Sequence[AnyRow]
    """Perhaps fewer than asked for, or none, even if there is a next page."""
    next_after: int | None
    """The id after which the next page begins; None if this is the last one."""


class _Walk(NamedTuple):
    """A part of an index in which the entries lie by id."""

    index_name: str
    part: tuple[ColumnElement[bool], ...] = ()


class _Plan(NamedTuple):
    """How to find a page."""

    walks: Sequence[_Walk]
    """Together they have every order of the list, and perhaps others."""
    rest: ColumnElement[bool] | None = None
    """What those others do not fulfil."""
    last: int | None = None
    """The id to stop at, because `MAX_SCAN` is reached there; None where it is not."""


def read_page(
    connection: Connection,
    selection: Selection,
    *,
    limit: int,
    after: int | None = None,
    columns: Sequence[Column[Any]] = SHOWN,
) -> Page:
    """Return the selection's next orders.

    Args:
        connection: In a transaction.
        selection: The list.
        limit: The largest number of orders to return.
        after: `next_after` of the page before; None for the first page.
        columns: What to read of each order, the id among it.

    """
    ids = ids_between(connection, selection.created_from, selection.created_to)
    if after is not None:
        ids = _beyond(ids, after, selection)
    if ids.lowest > ids.highest:
        return Page([], None)
    plan = _plan(connection, selection, ids)
    if plan.last is not None:
        ids = ids.below(plan.last + 1) if selection.oldest_first else ids.above(plan.last - 1)
    found = connection.execute(_rows(plan, selection, ids, limit + 1, columns))
    rows = sorted(found, key=lambda row: int(row.id), reverse=not selection.oldest_first)
    if len(rows) > limit:
        return Page(rows[:limit], rows[limit - 1].id)
    return Page(rows, plan.last)


def _beyond(ids: IdRange, row_id: int, selection: Selection) -> IdRange:
    return ids.above(row_id) if selection.oldest_first else ids.below(row_id)


def _plan(connection: Connection, selection: Selection, ids: IdRange) -> _Plan:
    status, user_id = selection.status, selection.user_id
    by_status = [] if status is None else _of_status(status)
    if user_id is None:
        return _Plan(by_status or [_Walk("PRIMARY")])
    of_user = _of_user(connection, user_id)
    by_user = [_Walk("ix_orders_user", of_user)]
    if not by_status:
        return _Plan(by_user)
    if all(_end_of_scan(connection, walk, selection, ids) is None for walk in by_status):
        return _Plan(by_status, and_(*of_user))
    last = _end_of_scan(connection, by_user[0], selection, ids)
    return _Plan(by_user, orders.c.status == status, last)


def _of_user(connection: Connection, user_id: str) -> tuple[ColumnElement[bool], ...]:
    found_in_index = orders.c.user_id == user_id
    if connection.dialect.name != "mysql":
        return (found_in_index,)
    # MySQL compares as if both had as many blanks at their end: to it, "ada" is "ada ".
    return found_in_index, orders.c.user_id + "." == user_id + "."


def _of_status(status: OrderStatus) -> list[_Walk]:
    has_status, date = orders.c.status == status, orders.c.available_at
    fresh_or_ended = _Walk("ix_orders_sweep", (has_status, date == FOREVER_DUE))
    retried = _Walk("ix_orders_sweep", (has_status, date > FOREVER_DUE))
    return [fresh_or_ended] if status in ENDS else [fresh_or_ended, retried]


def _end_of_scan(
    connection: Connection, walk: _Walk, selection: Selection, ids: IdRange
) -> int | None:
    """Return the id of the walk's entry number `MAX_SCAN`; None if it has not got so many."""
    entry = _ids(walk, selection, ids).offset(MAX_SCAN - 1).limit(1)
    row_id: int | None = connection.execute(entry).scalar()
    return row_id


def _rows(
    plan: _Plan, selection: Selection, ids: IdRange, limit: int, columns: Sequence[Column[Any]]
) -> Select[*tuple[Any, ...]]:
    """Select the first orders of each walk that are on the list."""
    filters = _filters(plan, selection)
    firsts = (_ids(walk, selection, ids).where(*filters).limit(limit) for walk in plan.walks)
    found = union_all(*(select(first.subquery()) for first in firsts)).subquery()
    return select(*columns).join(found, found.c.id == orders.c.id)


def _ids(walk: _Walk, selection: Selection, ids: IdRange) -> Select[int]:
    order = orders.c.id if selection.oldest_first else orders.c.id.desc()
    return (
        select(orders.c.id)
        .with_hint(orders, f"FORCE INDEX ({walk.index_name})", "mysql")
        .where(*walk.part, orders.c.id.between(ids.lowest, ids.highest))
        .order_by(order)
    )


def _filters(plan: _Plan, selection: Selection) -> list[ColumnElement[bool]]:
    filters = []
    if plan.rest is not None:
        # Within a CASE no database takes the condition for a reason to walk another index. Of an
        # inequality PostgreSQL expects a third of the rows, so it walks; of an equality few.
        filters.append(case((plan.rest, 1), else_=0) > 0)
    if selection.created_from is not None:
        filters.append(orders.c.created_at >= selection.created_from)
    if selection.created_to is not None:
        filters.append(orders.c.created_at <= selection.created_to)
    return filters
