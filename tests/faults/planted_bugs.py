"""Mistakes to be found: each function makes one in the process that calls it, a test build's only.

The code of the service has none of this: what is replaced here is replaced at run time.
"""

import threading
import time
from collections import Counter

import uuid_utils
from sqlalchemy import Engine, event, select

from app.orders import counters, service, store, workers
from app.orders.lifecycle import ADOPT, PLACE, Claim, Ending, Hint, OrderStatus, Placed
from app.orders.model import HINT_COLUMNS, orders
from app.orders.service import OrderService
from app.orders.store import settling
from app.processing.processor import Processor
from app.processing.supervisor import Supervisor
from app.round_trip import execute_together
from app.transactions import run_transaction
from tests.faults.holding import hold_a_batch_until_half_time, try_again_however_late
from tests.faults.points import SECONDS, reached, wait_until_reached
from tests.processes import wait_until

SLOW_SWEEP_SECONDS = 7
GUARD = " AND fence = held_fence"


def completing_by_id_alone() -> None:
    """End an order whoever holds it now."""
    _change_endings(GUARD, "")


def adopting_by_id_alone() -> None:
    """Look at what a dead worker holds, and take it over a moment later, whoever holds it then.

    The first to look acts once another has looked, too; that one when the order has ended: taken
    out of the hands of another worker it would just lose an ending, and the fence agree again.
    """

    def take_over(self, dead):
        theirs = select(*HINT_COLUMNS).where(
            orders.c.status == OrderStatus.PROCESSING,
            orders.c.owner_id.in_([worker.id for worker in dead]),
        )
        seen = run_transaction(self._engine, lambda connection: connection.execute(theirs).all())
        claims = [Claim(Hint(*row)) for row in seen]
        first = bool(claims) and reached("first-look")
        second = bool(claims) and not first and reached("second-look")
        if first:
            wait_until_reached("second-look")
        if second:
            wait_until(lambda: _all_ended(self._engine, claims), SECONDS, "end of the orders seen")

        def work(connection):
            for worker in dead:
                workers.retire(connection, worker.id, seen_beat=worker.beat)
            if claims:
                adopted = [Ending(claim, ADOPT) for claim in claims]
                adopt = settling.ending(connection, adopted, owner_id=None)
                unguarded = adopt._replace(sql=adopt.sql.replace(GUARD, ""))
                execute_together(connection, [unguarded])
                counters.add(connection, 0, counters.tally_endings(adopted))

        run_transaction(self._engine, work)
        self._processor.sweep_soon()
        if second:
            reached("second-takeover")

    Supervisor._take_over = take_over


def queueing_before_the_commit() -> None:
    """Tell the processor of orders that are not in the table yet, and let it look for them."""
    write, place, turn = service.write_orders, OrderService._place, OrderService.turn
    enqueue = []
    looked = threading.Event()

    def turning(self, endings, hints, **options):
        done = turn(self, endings, hints, **options)
        if hints:
            looked.set()
        return done

    def writing(connection, drafts, *, worker_id):
        ids = write(connection, drafts, worker_id=worker_id)
        enqueue[0]([Placed(row_id, draft).hint for row_id, draft in zip(ids, drafts, strict=True)])
        looked.wait(SECONDS)
        return ids

    def placing(self, drafts, *, in_doubt):
        quiet = OrderService(self._engine, worker_id=self._worker_id, enqueue=lambda _hints: None)
        enqueue[:] = [self._enqueue]
        return place(quiet, drafts, in_doubt=in_doubt)

    service.write_orders, OrderService._place, OrderService.turn = writing, placing, turning
    sweep_off()  # it would make good for it, at once if it is late


def answering_before_the_commit() -> None:
    """Answer at once, and write later than anybody lives to see."""
    place = OrderService._place

    def placing(self, drafts, *, in_doubt):
        def later():
            time.sleep(SECONDS)
            place(self, drafts, in_doubt=in_doubt)

        threading.Thread(target=later, daemon=True).start()
        return [Placed(0, draft) for draft in drafts]

    OrderService._place = placing


def retrying_a_lost_commit_blindly() -> None:
    """Take everything a repeated transaction asks for as moved by it."""
    settling.judge = lambda _connection, endings, _moved, *, owner_id: (list(endings), [])


def sweep_off() -> None:
    """Work on hints only."""

    def choose(self):
        self._wanted = self._hints.take(self._pace.batch_size, wait_seconds=0.5)
        return 0

    Processor._choose = choose


def no_fence_step_on_release() -> None:
    """Give an order back without counting that, of a batch that the stop finds in hand."""
    hold_a_batch_until_half_time()
    step = "fence = fence + 1"
    unless_released = (
        "fence = fence + (CASE WHEN new_status = 'PENDING' AND new_error IS NULL "
        "AND NOT new_solo THEN 0 ELSE 1 END)"
    )
    _change_endings(step, unless_released)


def new_order_id_on_retry() -> None:
    """Make a new id whenever an INSERT is run."""
    try_again_however_late()
    write = service.write_orders

    def writing(connection, drafts, *, worker_id):
        drafts[:] = [draft._replace(order_id=str(uuid_utils.uuid7())) for draft in drafts]
        return write(connection, drafts, worker_id=worker_id)

    service.write_orders = writing


def counters_outside_the_transaction() -> None:
    """Count later than anybody lives to see, after the orders were written."""

    def writing(connection, drafts, *, worker_id):
        return store.place(connection, drafts)

    place = OrderService._place

    def placing(self, drafts, *, in_doubt):
        placed = place(self, drafts, in_doubt=in_doubt)
        time.sleep(SECONDS)
        written = [each for each in placed if isinstance(each, Placed) and not each.replayed]
        tally = Counter({PLACE.name: len(written)})
        run_transaction(
            self._engine, lambda connection: counters.add(connection, self._worker_id(), tally)
        )
        return placed

    service.write_orders, OrderService._place = writing, placing


def read_committed() -> None:
    """No mistake: only what `repeatable_read` is compared with, a sweep that is slow.

    It lasts until an order is written, or for so long after that was begun.
    """
    due, write = store.due, service.write_orders
    begun, written = threading.Event(), threading.Event()
    try_again_however_late()  # what waits for the sweep's locks is to be late, not refused

    def slow_due(connection, *, limit, now):
        found = due(connection, limit=limit, now=now)
        if not found[0] and reached("in-sweep"):
            begun.wait(SECONDS)
            written.wait(SLOW_SWEEP_SECONDS)
        return found

    def writing(connection, drafts, *, worker_id):
        begun.set()
        ids = write(connection, drafts, worker_id=worker_id)
        written.set()
        return ids

    store.due, service.write_orders = slow_due, writing


def repeatable_read() -> None:
    """See in every transaction what was there when it began, and lock what is not there."""
    read_committed()

    @event.listens_for(Engine, "engine_connect")
    def connected(connection) -> None:
        if connection.dialect.name == "mysql":
            with connection.connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")


def _all_ended(engine, claims) -> bool:
    ids = [claim.hint.id for claim in claims]
    open_ones = select(orders.c.id).where(orders.c.id.in_(ids), orders.c.completed_at.is_(None))
    return not run_transaction(engine, lambda connection: connection.execute(open_ones).all())


def _change_endings(old, new):
    for dialect, sql in settling.SETTLE.items():
        settling.SETTLE[dialect] = sql.replace(old, new)
