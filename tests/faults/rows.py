"""The rows of `orders`, over a connection of our own that shares nothing with the service."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
import pymysql


@dataclass(frozen=True)
class OrderRow:
    """One row; times are seconds since the epoch, None where the table has none."""

    id: int
    order_id: str
    user_id: str
    item_ids: list[int | str]
    total_amount: Decimal
    status: str
    fence: int
    attempts: int
    created_at: float
    started_at: float | None
    completed_at: float | None


def read_rows(database_url: str) -> list[OrderRow]:
    """Return every order by id, all as of one moment.

    Raises:
        ValueError: The URL names a database we have no driver for.

    """
    columns = ", ".join(OrderRow.__dataclass_fields__)
    with closing(_connect(database_url)) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(f"SELECT {columns} FROM orders ORDER BY id")
        return [_row(*values) for values in cursor.fetchall()]


def _connect(database_url: str) -> Any:
    url = urlsplit(database_url)
    path = unquote(url.path.removeprefix("/"))
    server: dict[str, Any] = {
        "host": url.hostname,
        "port": url.port,
        "user": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "connect_timeout": 10,
    }
    match url.scheme.partition("+")[0]:
        case "sqlite":
            return sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
        case "postgresql":
            return psycopg.connect(dbname=path, **server)
        case "mysql" | "mariadb":
            server["port"] = url.port or 3306
            return pymysql.connect(database=path, charset="utf8mb4", **server)
        case scheme:
            raise ValueError(f"no driver for {scheme!r}")


def _row(*values: Any) -> OrderRow:
    """Even out how the drivers hand over JSON, decimals and times."""
    columns = dict(zip(OrderRow.__dataclass_fields__, values, strict=True))
    if isinstance(columns["item_ids"], str):
        columns["item_ids"] = json.loads(columns["item_ids"])
    columns["total_amount"] = Decimal(str(columns["total_amount"]))
    for name in ("created_at", "started_at", "completed_at"):
        columns[name] = _seconds(columns[name])
    return OrderRow(**columns)


def _seconds(moment: datetime | str | None) -> float | None:
    """The tables hold naive UTC; SQLite has it as text."""
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC).timestamp()
