"""What the tables say, read with statements of our own that share nothing with the service."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, DateTime, NullPool, Row, create_engine, text

MICROSECOND = timedelta(microseconds=1)
TRANSITIONS_OF_A_ROW = ("claim", "complete", "fail", "retry_later", "release", "adopt")

_ROWS = text(
    "SELECT order_id, status, fence, attempts, created_at, started_at, completed_at FROM orders"
).columns(created_at=DateTime, started_at=DateTime, completed_at=DateTime)
_COUNTERS = text("SELECT name, SUM(value) FROM counters GROUP BY name")
_HELD = text(
    "SELECT orders.order_id FROM orders JOIN workers ON workers.id = orders.owner_id"
    " WHERE orders.status = 'PROCESSING' AND workers.pid = :pid AND workers.state < 2"
)
_SIGNED_ON = text("SELECT COUNT(*) FROM workers WHERE state < 2")
_LOCK = {
    "sqlite": ("BEGIN IMMEDIATE",),
    "mysql": ("LOCK TABLES orders WRITE",),
    "postgresql": ("BEGIN", "LOCK TABLE orders"),
}


@dataclass(frozen=True)
class Recount:
    """Rows and counters, to be held against each other."""

    rows: Sequence[Row[Any]]
    counters: dict[str, int]

    @property
    def statuses(self) -> Counter[str]:
        """How many rows there are of each status."""
        return Counter(row.status for row in self.rows)

    @property
    def from_counters(self) -> dict[str, int]:
        """What the service has counted, in the terms of `from_rows`."""
        counted = Counter(self.counters)  # one that never happened has no row
        return {
            "placed": counted["place"],
            "claimed": counted["claim"],
            "completed": counted["complete"],
            "transitions": sum(counted[name] for name in TRANSITIONS_OF_A_ROW),
            "waiting_us": counted["waiting_us"],
            "in waiting's histogram": _sum_of(counted, "waiting_le_"),
            "processing_us": counted["processing_us"],
            "in processing's histogram": _sum_of(counted, "processing_le_"),
        }

    @property
    def from_rows(self) -> dict[str, int]:
        """What the counters must say, by the rows."""
        completed = [row for row in self.rows if row.status == "COMPLETED"]
        return {
            "placed": len(self.rows),
            "claimed": sum(row.attempts for row in self.rows),
            "completed": len(completed),
            "transitions": sum(row.fence for row in self.rows),
            "waiting_us": sum(_us(row.created_at, row.started_at) for row in completed),
            "in waiting's histogram": len(completed),
            "processing_us": sum(_us(row.started_at, row.completed_at) for row in completed),
            "in processing's histogram": len(completed),
        }


def recount(database_url: str) -> Recount:
    """Read everything; nothing may be moving orders."""
    with _connect(database_url) as connection:
        counters = {name: int(value) for name, value in connection.execute(_COUNTERS)}
        return Recount(connection.execute(_ROWS).all(), counters)


def orders_held_by(database_url: str, pid: int) -> list[str]:
    """Return the ids of the orders that the worker with this pid has claimed and not ended."""
    with _connect(database_url) as connection:
        return list(connection.execute(_HELD, {"pid": pid}).scalars())


def workers_signed_on(database_url: str) -> int:
    """Return how many workers have not retired."""
    with _connect(database_url) as connection:
        return int(connection.execute(_SIGNED_ON).scalar_one())


@contextmanager
def orders_locked(database_url: str) -> Iterator[None]:
    """Keep the service from writing orders."""
    with _connect(database_url) as connection:
        for statement in _LOCK[connection.dialect.name]:
            connection.exec_driver_sql(statement)
        yield


@contextmanager
def _connect(database_url: str) -> Iterator[Connection]:
    engine = create_engine(database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:  # closing it releases what it has locked
        yield connection


def _sum_of(counted: Counter[str], prefix: str) -> int:
    return sum(value for name, value in counted.items() if name.startswith(prefix))


def _us(start: datetime, end: datetime) -> int:
    return (end - start) // MICROSECOND
