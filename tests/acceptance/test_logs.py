"""The log of a running service: every request in it, nothing that was secret or forged."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import requests

from app.api_keys import make_key
from tests.live import LiveService
from tests.processes import wait_until

SECONDS = 30
ORDERS = 200
SECRETS = ("s3cret-user", "s3cret-item", "4711.12", "s3cret-idempotency")
HANDLER = """
def handle(order):
    raise ValueError("x\\r\\n\\x1b[2K2026-01-01T00:00:00Z INFO forged")
"""
FORGERY = "%0d%0a%1b%5b2Kforged"

# Lines are written the same way, whatever the database is.
pytestmark = pytest.mark.databases("sqlite")


def lines(service: LiveService) -> list[dict[str, Any]]:
    """Return our lines; uWSGI writes some of its own while it starts."""
    written, _, _ = service.log().rpartition("\n")  # what follows may be half a line
    return [json.loads(line) for line in written.splitlines() if line.startswith("{")]


def count(service: LiveService, **facts: object) -> int:
    return sum(facts.items() <= line.items() for line in lines(service))


def test_each_request_is_logged_once_with_what_finds_it_again(start_service, start_load) -> None:
    service = start_service(LOG_FORMAT="json")
    status, _ = start_load(service, num_requests=ORDERS, concurrency=16).finish()
    assert status == 0
    wait_until(lambda: count(service, status=201) == ORDERS, SECONDS, "lines")
    created = [line for line in lines(service) if line.get("status") == 201]
    assert len(created) == len({line["request_id"] for line in created}) == ORDERS
    assert {(line["level"], line["method"]) for line in created} == {("info", "POST")}


def test_each_transition_is_logged_at_debug_and_no_order_or_key_ever_is(start_service) -> None:
    key, entry = make_key("ada", "write")
    service = start_service(LOG_FORMAT="json", LOG_LEVEL="DEBUG", API_KEYS=entry)
    order = {"order_id": "A-1", "user_id": SECRETS[0], "item_ids": [SECRETS[1]]}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": SECRETS[3]}
    for _ in range(2):
        requests.post(
            f"{service.url}/orders",
            json=order | {"total_amount": SECRETS[2]},
            headers=headers,
            timeout=60,
        )
    requests.post(f"{service.url}/orders?api_key={key}", data=f"{SECRETS[0]}{{", timeout=60)
    for action in ("place", "claim", "complete"):
        wait_until(lambda a=action: count(service, action=a, order_id="A-1"), SECONDS, action)
        assert count(service, action=action, order_id="A-1") == 1
    wait_until(lambda: count(service, key="ada", status=201) == 2, SECONDS, "requests")
    for secret in (*SECRETS, key, entry.rpartition(":")[2]):
        assert secret not in service.log()


def test_nothing_a_caller_sends_can_look_like_a_line(start_service) -> None:
    service = start_service(processes=1)
    for path in (f"/{FORGERY}", f"/orders/{FORGERY}", f"/orders/{FORGERY}/cancel"):
        for method in ("GET", "POST"):
            requests.request(method, f"{service.url}{path}", timeout=60)
    requests.get(f"{service.url}/metrics", headers={"X-Request-Id": "a b"}, timeout=60)
    requests.get(f"{service.url}/metrics", headers={"User-Agent": "\x1b[2K forged"}, timeout=60)
    wait_until(lambda: service.log().count("route=/metrics") == 2, SECONDS, "last request")
    assert "\x1b" not in service.log()
    assert not re.search(r"^forged", service.log(), re.MULTILINE)
    assert "forged" not in service.log()


def test_nothing_a_handler_raises_can_either(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "forging.py").write_text(HANDLER)
    order = {"order_id": "A-1", "user_id": 1, "item_ids": [1], "total_amount": 1}
    settings = {"ORDER_HANDLER": "forging:handle", "PYTHONPATH": tmp_path, "MAX_ATTEMPTS": 1}
    with LiveService(database_url, **settings) as service:
        requests.post(f"{service.url}/orders", json=order, timeout=60)
        wait_until(lambda: "order A-1: attempt 1 raised" in service.log(), SECONDS, "failure")
        wait_until(lambda: "forged" in service.log(), SECONDS, "trace")
        forged = [line for line in service.log().splitlines() if "forged" in line]
        assert "\x1b" not in service.log()
    assert all(line.startswith("  | ") for line in forged)
