"""SIGTERM: what was begun is answered, what was accepted is worked off after the next start."""

import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.acceptance.recount import orders_locked, recount, workers_signed_on
from tests.live import LiveService
from tests.processes import wait_until

ORDER = {"user_id": 1, "item_ids": [1, 2], "total_amount": 9.5}
ORDERS = 2000
REQUESTS = 8
SECONDS = 30
STOP_SECONDS = 30


def accepted(service: LiveService) -> int:
    return requests.get(f"{service.url}/metrics", timeout=60).json()["total_orders"]


def are_completed(service: LiveService, orders: int) -> bool:
    metrics = requests.get(f"{service.url}/metrics", timeout=60).json()
    return metrics["processed_count"] == metrics["total_orders"] == orders


def test_requests_in_flight_are_answered(database_url, start_service) -> None:
    service = start_service()
    create = f"{service.url}/create_order"
    with ThreadPoolExecutor(REQUESTS + 1) as pool:
        with orders_locked(database_url):
            answers = [pool.submit(requests.post, create, json=ORDER) for _ in range(REQUESTS)]
            wait_until(lambda: service.busy_threads() == REQUESTS, SECONDS, "requests begun")
            stopped = pool.submit(service.stop)
            wait_until(lambda: "graceful shutdown" in service.log(), SECONDS, "stop begun")
        assert [answer.result().status_code for answer in answers] == [201] * REQUESTS
        assert stopped.result() < STOP_SECONDS

    service.start()
    wait_until(lambda: are_completed(service, REQUESTS), SECONDS, "orders worked off")
    ids = {answer.result().json()["order_id"] for answer in answers}
    assert {row.order_id for row in recount(database_url).rows} == ids


def test_requests_that_wait_for_an_order_do_not_hold_up_the_stop(start_service) -> None:
    service = start_service(processes=1, PROCESSING_SECONDS=60)
    order = requests.post(f"{service.url}/orders", json=ORDER, timeout=60).json()
    path = f"{service.url}/orders/{order['order_id']}?wait=30"
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(requests.get, path, timeout=60) for _ in range(2)]
        wait_until(lambda: service.busy_threads() == 2, SECONDS, "requests that wait")
        assert service.stop() < STOP_SECONDS
    answers = [each.result() for each in waiting]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.json()["status"] for answer in answers} <= {"PENDING", "PROCESSING"}


def test_a_worker_that_is_only_just_starting_does_not_hold_up_the_stop(start_service) -> None:
    service = start_service()
    first, second = service.worker_pids()
    hooks = service.log().count("(post-fork)")
    service.kill_worker(first)
    wait_until(lambda: len(service.worker_pids()) == 2, SECONDS, "new worker")
    # Before its hook it has the master's own way with a SIGHUP. After it, it loads.
    wait_until(lambda: service.log().count("(post-fork)") > hooks, SECONDS, "its hook")
    assert second in service.worker_pids()
    assert service.stop() < STOP_SECONDS


def test_the_masters_word_to_stop_goes_to_the_first_thread_of_a_worker(start_service) -> None:
    service = start_service(processes=1, PROCESSOR_THREADS=2)
    (pid,) = service.worker_pids()

    def takers() -> list[int]:
        return [
            int(status.parent.name)
            for status in Path(f"/proc/{pid}/task").glob("*/status")
            if not blocked_signals(status) & 1 << (signal.SIGHUP - 1)
        ]

    # A thread that has only just begun has yet to block it.
    wait_until(lambda: takers() == [pid], SECONDS, "one taker")


def blocked_signals(status: Path) -> int:
    """Return the mask of a thread, a bit for each signal from 1."""
    (mask,) = re.findall(r"^SigBlk:\s*(\w+)$", status.read_text(), re.MULTILINE)
    return int(mask, 16)


def test_orders_left_at_the_stop_are_completed_after_the_next_start(
    database_url, start_service, start_load
) -> None:
    service = start_service(threads=32, PROCESSING_SECONDS=0.05)
    load = start_load(service, num_requests=ORDERS, concurrency=32)
    wait_until(lambda: accepted(service) >= ORDERS // 4, SECONDS, "load under way")
    assert service.stop() < STOP_SECONDS
    left = recount(database_url)
    assert left.statuses["PENDING"] > 0
    assert left.statuses["PROCESSING"] == 0  # ended or given back, nothing is left hanging
    assert workers_signed_on(database_url) == 0

    service.start(PROCESSING_SECONDS=0)
    status, report = load.finish()
    assert status == 0
    proof = report["proof"]
    assert (proof["accepted"], proof["completed"]) == (ORDERS, ORDERS)
    assert (proof["lost"], proof["duplicated"]) == (0, 0)
    after = recount(database_url)
    assert after.statuses == {"COMPLETED": ORDERS}
    assert [row for row in after.rows if row.fence != 2 * row.attempts] == []
    assert after.from_counters == after.from_rows
