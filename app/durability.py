"""What a server's settings say of what it is given: one that loses some is no place for orders."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TypeAlias

from sqlalchemy import Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

from app.breaker import Breaker, breaker_of
from app.orders.errors import UnavailableError

Durability: TypeAlias = Mapping[str, tuple[str, AbstractSet[str]]]
"""The settings that decide whether an order is kept: how to ask for each, what it may be."""


def refuse_unsafe(engine: Engine, durability: Durability) -> None:
    """Have no connection to a server that would not keep orders as they are."""
    event.listen(engine, "connect", partial(_look_at, breaker_of(engine), durability))


def _look_at(
    breaker: Breaker, durability: Durability, connection: DBAPIConnection, _record: object
) -> None:
    cursor = connection.cursor()
    reason = _what_endangers(cursor, durability)
    cursor.close()
    connection.rollback()  # PostgreSQL's driver has begun a transaction to ask
    if reason is not None:
        breaker.opened_by(reason)
        raise UnavailableError(reason)


def _what_endangers(cursor: DBAPICursor, durability: Durability) -> str | None:
    """Return a sentence on what keeps this session's orders from being safe, or None."""
    cursor.execute("SELECT " + ", ".join([expression for expression, _ in durability.values()]))
    (values,) = cursor.fetchall()
    for (name, (_, safe)), value in zip(durability.items(), values, strict=True):
        if str(value) not in safe:
            needed = " or ".join(sorted(safe))
            return f"the server runs with {name} = {value}; orders are safe only with {needed}"
    return None
