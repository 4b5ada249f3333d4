"""The page at /docs, in a real browser that has no network."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from app.api_keys import make_key
from tests.acceptance.browser import Browser
from tests.databases import SQLiteFile
from tests.live import LiveService

pytestmark = pytest.mark.xdist_group("browser")  # one process has one

CREATE_ORDER = "#operations-orders-create_order_at_create_order"


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return SQLiteFile(tmp_path).fresh()  # the page is the same on every database


def send(page: Page, operation: str) -> tuple[int, Any]:
    """Send the example of an operation from the page; returns what the page shows came back."""
    block = page.locator(operation)
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table tbody .response")
    expect(answer).to_be_visible()
    body = answer.locator(".highlight-code code").inner_text()
    return int(answer.locator(".response-col_status").inner_text()), json.loads(body)


def test_an_order_is_placed_from_the_page(browser: Browser, start_service) -> None:
    service: LiveService = start_service(processes=1)
    with browser.page(f"{service.url}/docs") as page:
        status, answer = send(page, CREATE_ORDER)
    assert (status, answer["message"]) == (201, "Order created successfully!")
    shown = requests.get(f"{service.url}/orders/{answer['order_id']}", timeout=60).json()
    assert shown["id"] == answer["id"]


def authorize(page: Page, scheme: str, key: str) -> None:
    """Hand the key to the page, as the dialog of this security scheme takes it."""
    page.get_by_role("button", name="Authorize").click()
    dialog = page.locator(".auth-container").filter(has_text=scheme)
    dialog.locator("input").fill(key)
    dialog.get_by_role("button", name="Apply credentials").click()
    dialog.get_by_role("button", name="Close").click()


@pytest.mark.parametrize("scheme", ["X-API-Key", "bearer"])
def test_a_key_is_sent_once_the_page_has_it(browser: Browser, start_service, scheme: str) -> None:
    key, entry = make_key("reader", "write")
    service: LiveService = start_service(processes=1, API_KEYS=entry)
    with browser.page(f"{service.url}/docs") as page:
        authorize(page, scheme, key)
        status, _ = send(page, CREATE_ORDER)
    assert status == 201


@pytest.fixture
def page(browser: Browser, start_service) -> Iterator[Page]:
    with browser.page(f"{start_service(processes=1).url}/docs") as opened:
        yield opened


def test_every_operation_is_on_the_page(page: Page) -> None:
    document = requests.get(page.url.replace("/docs", "/openapi.json"), timeout=60).json()
    expect(page.locator(".opblock")).to_have_count(sum(map(len, document["paths"].values())))
