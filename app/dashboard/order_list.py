"""The orders on the page: the newest of a choice, or one that was looked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.dashboard.choice import Choice
from app.database import AnyRow
from app.orders.errors import OrderNotFoundError
from app.orders.listing import Selection
from app.orders.service import OrderService

ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class OrderList:
    """Some orders, the newest first, and which choices lead on."""

    rows: Sequence[AnyRow]
    newer: Choice | None = None
    """The page before; None if this is the first."""
    older: Choice | None = None
    """The page behind; None if this is the last."""


def read_orders(service: OrderService, choice: Choice) -> OrderList:
    """Return the orders that were chosen."""
    if choice.order_id:
        return OrderList(_find(service, choice.order_id))
    if choice.newer_than is not None:
        newer = _read_newer(service, choice, choice.newer_than)
        if newer is not None:
            return newer
        choice = choice.first_page
    page = service.page(_selection(choice), limit=ROWS, after=choice.older_than)
    older = replace(choice, older_than=page.next_after) if page.next_after else None
    if choice.older_than is None:
        return OrderList(page.rows, older=older)
    first = page.rows[0].id if page.rows else choice.older_than - 1
    return OrderList(page.rows, replace(choice.first_page, newer_than=first), older)


def _read_newer(service: OrderService, choice: Choice, row_id: int) -> OrderList | None:
    """Return the page before this row; None if that is the first page, which may be longer."""
    upwards = replace(_selection(choice), oldest_first=True)
    page = service.page(upwards, limit=ROWS, after=row_id)
    if page.next_after is None:
        return None
    last = page.rows[0].id if page.rows else row_id + 1
    return OrderList(
        page.rows[::-1],
        newer=replace(choice, newer_than=page.next_after),
        older=replace(choice.first_page, older_than=last),
    )


def _selection(choice: Choice) -> Selection:
    return Selection(choice.status, choice.user_id or None)


def _find(service: OrderService, name: str) -> list[AnyRow]:
    """Return the order with this id, or else with this number in the database."""
    try:
        return [service.get(name)]
    except OrderNotFoundError:
        is_number = name.isascii() and name.isdigit()
    try:
        return [service.get_by_id(int(name))] if is_number else []
    except OrderNotFoundError:
        return []
