"""`flask orders` beside a service that runs: each sees what the other does."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.live import LiveService
from tests.processes import wait_until

SECONDS = 30
Command = Callable[..., Any]

# The integration tests run every command on every database.
pytestmark = pytest.mark.databases("mariadb")


@pytest.fixture
def orders(start_flask, database_url: str) -> Command:
    """Run `flask orders` with these arguments on the service's database; returns its JSON."""

    def run(*arguments: str) -> Any:
        command = start_flask("orders", *arguments, "--json", DATABASE_URL=database_url)
        status, printed = command.finish()
        assert status == 0, printed
        return json.loads(printed)

    return run


def metrics(service: LiveService) -> Any:
    return requests.get(f"{service.url}/metrics", timeout=60).json()


def status_of(service: LiveService, order_id: str) -> str:
    answer = requests.get(f"{service.url}/orders/{order_id}/status", timeout=60)
    return str(answer.json()["status"])


def wait_for(service: LiveService, order_id: str, status: str) -> None:
    wait_until(lambda: status_of(service, order_id) == status, SECONDS, f"{order_id} {status}")


def test_a_running_service_works_off_what_the_command_line_places_and_sends_round_again(
    start_service, orders: Command
) -> None:
    service = start_service(processes=2)
    wait_until(lambda: metrics(service)["workers"]["alive"] == 2, SECONDS, "both workers")
    assert len(orders("workers")) == 2
    new_order = ("--user-id", "ada", "--item-ids", "pen", "--total-amount", "5")
    assert orders("create", *new_order, "--order-id", "A-1")["status"] == "PENDING"
    wait_for(service, "A-1", "COMPLETED")
    service.stop()
    assert orders("workers") == []
    orders("create", *new_order, "--order-id", "A-2")
    assert orders("cancel", "A-2")["status"] == "CANCELLED"
    assert orders("retry", "A-2")["status"] == "PENDING"
    service.start()
    wait_for(service, "A-2", "COMPLETED")
    assert [each["order_id"] for each in orders("list", "--status", "completed")] == ["A-2", "A-1"]
    stats = orders("stats")
    assert stats["status_counts"] == metrics(service)["status_counts"]
    assert (stats["total_orders"], stats["cancelled_count"]) == (2, 0)
    assert orders("verify") == {"ok": True, "differences": []}


def test_the_worker_that_has_an_order_in_hand_says_so(start_service, orders: Command) -> None:
    service = start_service(processes=1, PROCESSING_SECONDS=1000, LEASE_SECONDS=600)
    order = {"order_id": "A-1", "user_id": 1, "item_ids": [1], "total_amount": 1}
    requests.post(f"{service.url}/orders", json=order, timeout=60)
    wait_until(
        lambda: [each["current_order"] for each in orders("workers")] == ["A-1"],
        SECONDS,
        "its next beat",
    )
    (worker,) = orders("workers")
    assert worker["pid"] == service.worker_pids()[0]
    assert worker["state"] == "ACTIVE"
    service.kill()
