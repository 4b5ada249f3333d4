"""Under load every order is worked off, once, and counted."""

import requests

from app.api_keys import make_key
from tests.acceptance.recount import recount

ORDERS = 2000


def test_two_thousand_orders_all_complete_and_none_twice(
    database_url, start_service, start_load, start_flask
) -> None:
    service = start_service(threads=32)
    status, report = start_load(service, num_requests=ORDERS, concurrency=32).finish()
    assert status == 0
    assert report["requests"]["errors"] == {}
    proof = report["proof"]
    assert (proof["accepted"], proof["completed"]) == (ORDERS, ORDERS)
    assert (proof["lost"], proof["duplicated"]) == (0, 0)

    found = recount(database_url)
    assert found.statuses == {"COMPLETED": ORDERS}
    assert len({row.order_id for row in found.rows}) == ORDERS
    assert {(row.attempts, row.fence) for row in found.rows} == {(1, 2)}
    assert found.from_counters == found.from_rows
    assert start_flask("orders", "verify", DATABASE_URL=database_url).finish() == (
        0,
        "The counters agree with the rows.\n",
    )
    metrics = requests.get(f"{service.url}/metrics", timeout=60).json()
    assert metrics["processed_count"] == metrics["total_orders"] == ORDERS
    assert metrics["pending_count"] == metrics["processing_count"] == 0


def test_a_key_that_may_write_is_enough_for_the_client(start_service, start_load) -> None:
    key, entry = make_key("load", "write")
    service = start_service(API_KEYS=entry)
    status, report = start_load(service, num_requests=20, **{"api-key": key}).finish()
    assert (status, report["proof"]["completed"]) == (0, 20)
