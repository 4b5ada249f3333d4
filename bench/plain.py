"""Writing orders with a driver alone: the least that a durable order can cost."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine

from app.api.drafts import parse_draft
from app.orders.lifecycle import Draft

COLUMNS = (*Draft._fields, "updated_at")

Row = tuple[object, ...]


def row_of(body: Mapping[str, Any]) -> Row:
    """Return what drivers take for the order of this body: the same that the service writes."""
    draft = parse_draft(json.dumps(body).encode(), key=None)
    values = [getattr(draft, name) for name in Draft._fields]
    return tuple(map(_plain, [*values, draft.created_at]))


class Writer:
    """Writes rows into a table like the service's, in one INSERT and one COMMIT each time."""

    def __init__(self, connection: Any, *, of_sqlite: bool) -> None:
        self._connection = connection
        self._of_sqlite = of_sqlite
        values = ", ".join(["?" if of_sqlite else "%s"] * len(COLUMNS))
        self._insert = f"INSERT INTO orders ({', '.join(COLUMNS)}) VALUES ({values})"

    def write(self, rows: Iterable[Row]) -> None:
        """Write the rows and commit them."""
        with closing(self._connection.cursor()) as cursor:
            if self._of_sqlite:  # its driver would commit every row
                cursor.execute("BEGIN IMMEDIATE")
            cursor.executemany(self._insert, rows)
        self._connection.commit()


@contextmanager
def writer_on(engine: Engine) -> Iterator[Writer]:
    """Yield a writer on a connection of the engine's driver."""
    with closing(engine.raw_connection()) as connection:
        yield Writer(connection, of_sqlite=engine.dialect.name == "sqlite")


def _plain(value: object) -> object:
    match value:
        case list():
            return json.dumps(value)
        case datetime():
            return value.isoformat(" ", "microseconds")
        case Decimal():
            return str(value)
    return value
