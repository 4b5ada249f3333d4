"""A worker that is killed takes no order with it."""

import os
import signal

import requests

from tests.acceptance.recount import orders_held_by, recount
from tests.live import LiveService
from tests.processes import wait_until

ORDERS = 2000
SECONDS = 60


def accepted(service: LiveService) -> int:
    return requests.get(f"{service.url}/metrics", timeout=60).json()["total_orders"]


def is_stopped_holding_orders(database_url: str, pid: int) -> bool:
    """Stop the worker; let it go on if it has no order in hand at this moment."""
    os.kill(pid, signal.SIGSTOP)
    if orders_held_by(database_url, pid):
        return True
    os.kill(pid, signal.SIGCONT)
    return False


def test_orders_of_a_killed_worker_are_completed_by_the_others(
    database_url, start_service, start_load
) -> None:
    service = start_service(threads=32, PROCESSING_SECONDS=0.004)
    victim = service.worker_pids()[0]
    load = start_load(service, num_requests=ORDERS, concurrency=32)
    wait_until(lambda: accepted(service) >= ORDERS // 10, SECONDS, "load under way")
    wait_until(
        lambda: is_stopped_holding_orders(database_url, victim), SECONDS, "worker with orders"
    )
    held = orders_held_by(database_url, victim)
    service.kill_worker(victim)
    before = recount(database_url)
    assert ORDERS // 10 <= len(before.rows) < ORDERS

    status, report = load.finish()
    assert status == 0
    proof = report["proof"]
    assert (proof["accepted"], proof["completed"]) == (ORDERS, ORDERS)
    assert (proof["lost"], proof["duplicated"]) == (0, 0)
    after = recount(database_url)
    assert after.statuses == {"COMPLETED": ORDERS}
    assert [row for row in after.rows if row.fence != 2 * row.attempts] == []
    assert set(held) <= {row.order_id for row in after.rows}
    assert after.from_counters == after.from_rows
