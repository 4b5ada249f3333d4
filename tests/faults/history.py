"""What a run leaves behind, made by hand: an SQLite file, a journal and a ledger."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.checker import Verdict, judge
from tests.faults.evidence import Allowance, Evidence
from tests.faults.journal import Journal, read_journal
from tests.faults.ledger import read_ledger, record
from tests.faults.rows import read_rows

PLACED_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()

_ORDERS = """
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, order_id VARCHAR(64), user_id VARCHAR(64), item_ids JSON,
    total_amount DECIMAL(12, 2), status VARCHAR(10), fence INTEGER, attempts INTEGER,
    created_at DATETIME, started_at DATETIME, completed_at DATETIME)
"""


class History:
    """By default each order was placed, handled and completed as it should be."""

    def __init__(self, directory: Path) -> None:
        """Make the three files, empty, in `directory`."""
        self.journal = directory / "journal"
        self.ledger = directory / "ledger"
        self.database_url = f"sqlite:///{directory / 'orders.db'}"
        self._database = directory / "orders.db"
        self.journal.touch()
        with closing(sqlite3.connect(self._database)) as connection:
            connection.execute(_ORDERS)

    def order(self, key: str, *, user_id: int | str = 7, **columns: Any) -> None:
        """An order that was accepted, handled, and written with these columns."""
        self.asked(key, user_id=user_id)
        self.row(key, user_id=str(user_id), **columns)
        self.handled(key)

    def asked(
        self, key: str, status: int | None = 201, *, user_id: int | str = 7, **answer: Any
    ) -> None:
        """A creation and its answer."""
        if status == 201:
            answer = {"order_id": f"order-{key}"} | answer
        body = {"user_id": user_id, "item_ids": [key, 102], "total_amount": 59.99}
        with Journal(self.journal) as journal:
            call = journal.sent("POST", "/orders", key=key, body=body)
            journal.answered(call, status, **answer)

    def touched(self, key: str, action: str) -> None:
        """A call to `cancel` or `retry` whose answer never came."""
        with Journal(self.journal) as journal:
            journal.sent("POST", f"/orders/order-{key}/{action}")

    def handled(self, key: str, attempt: int = 1) -> None:
        """A line of the ledger."""
        record(self.ledger, f"order-{key}", attempt)

    def row(self, key: str, **columns: Any) -> None:
        """A row; times are given in seconds after PLACED_AT, or as None."""
        row = {
            "order_id": f"order-{key}",
            "user_id": "7",
            "item_ids": json.dumps([key, 102]),
            "total_amount": 59.99,
            "status": "COMPLETED",
            "fence": 2,
            "attempts": 1,
        } | {name: value for name, value in columns.items() if not name.endswith("_at")}
        for name, seconds in (("created_at", 0.0), ("started_at", 1.0), ("completed_at", 2.5)):
            row[name] = _stored(columns.get(name, seconds))
        names, places = ", ".join(row), ", ".join("?" * len(row))
        with closing(sqlite3.connect(self._database)) as connection, connection:
            connection.execute(f"INSERT INTO orders ({names}) VALUES ({places})", [*row.values()])

    def verdict(self, metrics: dict[str, int] | None = None, **allowance: Any) -> Verdict:
        """What the checker says, reading the files as they are."""
        evidence = Evidence(
            calls=read_journal(self.journal),
            rows=read_rows(self.database_url),
            ledger=read_ledger(self.ledger),
            metrics=metrics,
            allowance=Allowance(**allowance),
        )
        return judge(evidence)


def broken(verdict: Verdict) -> list[tuple[int, str, str]]:
    """The violations as rule, subject and sentence."""
    return [(each.rule, each.subject, each.sentence) for each in verdict.violations]


def harm(verdict: Verdict) -> tuple[int, int, int]:
    """How many are lost, there twice, and phantoms."""
    return verdict.lost, verdict.twice, verdict.phantom


def _stored(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(PLACED_AT + seconds, UTC).replace(tzinfo=None)
    return moment.isoformat(" ", "microseconds")
