"""Taking over what dead workers held."""

from typing import Final

from sqlalchemy import Connection, select

from app.clock import utc_now
from app.orders.lifecycle import ADOPT, FAIL, Claim, Ending, Hint, OrderStatus
from app.orders.model import HINT_COLUMNS, orders, workers
from app.orders.store import attempts
from app.orders.store.settling import end
from app.orders.workers import RETIRED, alive

ADOPTED_AT_ONCE: Final = 1000

_ORPHANS: Final = (
    select(*HINT_COLUMNS, orders.c.started_at, orders.c.owner_id)
    .where(
        orders.c.status == OrderStatus.PROCESSING,
        # No anti-join: a row that has changed meanwhile PostgreSQL joins anew, with the workers of
        # its first look alone, and would miss a new owner that lives.
        orders.c.owner_id.not_in(select(workers.c.id).where(workers.c.state < RETIRED)),
    )
    # By the id itself MariaDB and SQLite would walk the whole table, where thousands of orders are
    # being worked on.
    .order_by(orders.c.id + 0)
    .limit(ADOPTED_AT_ONCE)
    .with_for_update(skip_locked=True, of=orders)
)


def adopt(connection: Connection, *, max_attempts: int) -> list[Ending]:
    """PROCESSING -> PENDING, or FAILED, for the orders of workers that are gone.

    Fails an order whose attempts are used up: it may be what killed its workers. Rows that
    another transaction is just moving are left to the next call.

    Returns:
        The endings that moved a row.

    """
    found = connection.execute(_ORPHANS).all()
    # A worker that has registered since the search looked, and claimed before it locked, lives.
    living = {worker.id for worker in alive(connection)} if found else set()
    endings = []
    for *hint, started_at, owner_id in found:
        if owner_id in living:
            continue
        seen = Hint(*hint)
        claim = Claim(seen._replace(fence=seen.fence - 1, attempts=seen.attempts - 1))
        ended_at = max(utc_now(), started_at)
        if seen.attempts < max_attempts:
            endings.append(Ending(claim, ADOPT, started_at, ended_at))
        else:
            error = f"its worker died during attempt {seen.attempts}"
            endings.append(Ending(claim, FAIL, started_at, ended_at, error=error))
    if endings:
        end(connection, endings, owner_id=None)
        attempts.record(connection, endings)
    return endings
