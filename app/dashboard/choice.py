"""What a viewer has chosen to see, as the page's address tells it."""

from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from app.orders.history import LAST_DAY, LAST_HOUR, Window
from app.orders.identifiers import shown
from app.orders.lifecycle import OrderStatus, status_named

MAX_TEXT_LENGTH: Final = 64
_WINDOWS: Final = {"hour": LAST_HOUR, "day": LAST_DAY}


@dataclass(frozen=True, slots=True)
class Choice:
    """The charts' window, and which orders to list."""

    window_name: str = "hour"
    status: OrderStatus | None = None
    user_id: str = ""
    order_id: str = ""
    """An order's id, or its number in the database; with it the filters do not count."""
    older_than: int | None = None
    """The last row of the page before: a database id."""
    newer_than: int | None = None
    """The first row of the page behind: a database id."""

    @classmethod
    def read(cls, arguments: MultiDict[str, str]) -> Self:
        """Return what the address asks for.

        Raises:
            BadRequest: A part of it makes no sense.
            UnknownStatusError: There is no such status.

        """
        window_name = arguments.get("window", "hour")
        if window_name not in _WINDOWS:
            raise BadRequest("window should be hour or day")
        return cls(
            window_name,
            read_status(arguments),
            read_text(arguments, "user_id"),
            read_text(arguments, "order_id").strip(),
            read_row_id(arguments, "older_than"),
            read_row_id(arguments, "newer_than"),
        )

    @property
    def window(self) -> Window:
        """How far back the charts look."""
        return _WINDOWS[self.window_name]

    @property
    def first_page(self) -> Self:
        """The same choice from its newest order on."""
        return replace(self, older_than=None, newer_than=None)

    @property
    def query(self) -> str:
        """The query part of the address that leads to this choice; empty for the usual one."""
        parts = {
            "window": self.window_name if self.window_name != "hour" else None,
            "status": self.status,
            "user_id": self.user_id,
            "order_id": self.order_id,
            "older_than": self.older_than,
            "newer_than": self.newer_than,
        }
        query = urlencode({name: part for name, part in parts.items() if part})
        return f"?{query}" if query else ""

    def with_window(self, name: str) -> Self:
        """Return the same choice with another window."""
        return replace(self, window_name=name)

    def of_status(self, status: OrderStatus | None) -> Self:
        """Return the choice of all orders of this status, or of any, with the same window."""
        return type(self)(self.window_name, status)


def read_status(arguments: MultiDict[str, str]) -> OrderStatus | None:
    """Return the status that is asked for, in any case; None for all of them.

    Raises:
        UnknownStatusError: There is no such status.

    """
    name = arguments.get("status")
    return status_named(name) if name else None


def read_text(arguments: MultiDict[str, str], name: str) -> str:
    """Return an identifier as it is: blanks are part of a user's; empty for none.

    Raises:
        BadRequest: No identifier is like this.

    """
    text = arguments.get(name, "")
    if len(text) > MAX_TEXT_LENGTH or "\0" in text:
        raise BadRequest(f"{name} should be at most {MAX_TEXT_LENGTH} characters, without NUL")
    return text


def read_row_id(arguments: MultiDict[str, str], name: str) -> int | None:
    """Return a database id; None if there is none.

    Raises:
        BadRequest: No row can have it.

    """
    text = arguments.get(name)
    if not text:
        return None
    row_id = shown(text)
    if isinstance(row_id, str):
        raise BadRequest(f"{name} should be a number that the page has given out")
    return row_id
