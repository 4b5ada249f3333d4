"""Everything the rules look at, side by side: journal, rows, ledger, counters, allowance."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from tests.faults.journal import Call
from tests.faults.ledger import HandlerCall
from tests.faults.rows import OrderRow
from tests.faults.script import Script

CREATE_PATHS = ("/orders", "/orders/", "/create_order", "/order/create-order")
_BY_HAND = re.compile(r"/orders/(?P<order_id>[^/]+)/(?:cancel|retry)")

Content = tuple[str, str, Decimal]
"""User, items and amount of an order, the same however they are written."""


@dataclass(frozen=True)
class Allowance:
    """What was done to the service, and what it was allowed."""

    kills: int = 0
    pauses: int = 0
    largest_batch: int = 1
    """The most orders a worker had in hand at once."""
    max_attempts: int = 5
    bound_seconds: float | None = None
    """How long after the last fault an order may take to its end; None for no bound."""
    fault_times: tuple[float, ...] = ()
    """When each fault was over, in seconds since the epoch, ascending."""
    script: Script = field(default_factory=Script)


@dataclass(frozen=True)
class Evidence:
    """What a run left behind. `metrics` is the JSON of `GET /metrics`, None if it was not asked.

    Each key's order has a content of its own (the load puts the key among the items), so that a
    row tells who asked for it even if no answer ever came.
    """

    calls: Sequence[Call]
    rows: Sequence[OrderRow]
    ledger: Sequence[HandlerCall]
    metrics: Mapping[str, Any] | None = None
    allowance: Allowance = field(default_factory=Allowance)

    @cached_property
    def creations(self) -> dict[str, list[Call]]:
        """By key, the calls that asked for its order."""
        by_key = defaultdict(list)
        for call in self.calls:
            if call.method == "POST" and call.path in CREATE_PATHS and call.key is not None:
                by_key[call.key].append(call)
        return by_key

    @cached_property
    def keys(self) -> dict[Content, str]:
        """The key that asked for this content.

        Raises:
            ValueError: Two keys did; whose the row is could not be told.

        """
        keys: dict[Content, str] = {}
        for key, calls in self.creations.items():
            if keys.setdefault(content_sent(calls[0]), key) != key:
                raise ValueError(f"key {key!r} and another ask for the same order")
        return keys

    @cached_property
    def rows_of_key(self) -> dict[str | None, list[OrderRow]]:
        """By key, the rows with the content it asked for; under None those nobody asked for."""
        rows = defaultdict(list)
        for row in self.rows:
            rows[self.keys.get(content_stored(row))].append(row)
        return rows

    @cached_property
    def row_of_order(self) -> dict[str, OrderRow]:
        """The row with this public id."""
        return {row.order_id: row for row in self.rows}

    @cached_property
    def handler_calls(self) -> dict[str, list[HandlerCall]]:
        """By public id, the lines of the ledger."""
        calls = defaultdict(list)
        for call in self.ledger:
            calls[call.order_id].append(call)
        return calls

    @cached_property
    def touched_by_hand(self) -> set[str]:
        """The orders somebody tried to cancel or retry, whatever the answer was."""
        found = (_BY_HAND.fullmatch(call.path) for call in self.calls)
        return {unquote(match["order_id"]) for match in found if match}

    @cached_property
    def repeated(self) -> list[str]:
        """The orders whose handler was called more often than the script asks for."""
        return [
            order_id
            for order_id, row in self.row_of_order.items()
            if order_id not in self.touched_by_hand
            and len(self.handler_calls.get(order_id, ())) > self._calls_asked_for(row)
        ]

    def _calls_asked_for(self, row: OrderRow) -> int:
        script, most = self.allowance.script, self.allowance.max_attempts
        return script.attempts_until_end(row.order_id, row.user_id, most)


def content_sent(call: Call) -> Content:
    """Return what the body of a creation asks for."""
    body = call.body or {}
    amount = Decimal(str(body["total_amount"]))
    return str(body["user_id"]), json.dumps(body["item_ids"]), amount


def content_stored(row: OrderRow) -> Content:
    """Return what the row says was asked for."""
    return row.user_id, json.dumps(row.item_ids), row.total_amount
