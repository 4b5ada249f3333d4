"""A service that is killed whole and started again takes no order with it, and makes none twice."""

import pytest
import requests

from tests.acceptance.recount import recount
from tests.live import LiveService
from tests.processes import wait_until

ORDERS, ORDERS_PER_SECOND = 2000, 500
SECONDS = 60


def accepted(service: LiveService) -> int:
    return requests.get(f"{service.url}/metrics", timeout=60).json()["total_orders"]


@pytest.mark.parametrize("options", [{}, {"batch-size": 20}], ids=["one by one", "in bulk"])
def test_the_client_loses_and_doubles_nothing_when_the_service_is_killed_under_it(
    database_url, start_service, start_load, options
) -> None:
    service = start_service(threads=32)
    load = start_load(service, num_requests=ORDERS, rate=ORDERS_PER_SECOND, **options)
    wait_until(lambda: accepted(service) >= ORDERS // 10, SECONDS, "load under way")
    service.kill()
    assert ORDERS // 10 <= len(recount(database_url).rows) < ORDERS
    service.start()

    status, report = load.finish()
    assert status == 0
    assert report["requests"]["retries"] > 0
    proof = report["proof"]
    assert (proof["accepted"], proof["completed"]) == (ORDERS, ORDERS)
    assert (proof["lost"], proof["duplicated"], proof["unacknowledged"]) == (0, 0, 0)
    after = recount(database_url)
    assert after.statuses == {"COMPLETED": ORDERS}
    assert after.from_counters == after.from_rows
