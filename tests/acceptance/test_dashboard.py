"""The dashboard in a real browser, on a real service."""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect
from sqlalchemy import NullPool, create_engine, update
from sqlalchemy.exc import OperationalError

from app.api_keys import make_key
from app.clock import utc_now
from app.orders import workers
from app.orders.model import workers as workers_table
from tests.acceptance.browser import Browser
from tests.acceptance.load import Load
from tests.acceptance.recount import orders_locked
from tests.builders import identity
from tests.databases import SQLiteFile
from tests.live import LiveService
from tests.processes import wait_until

pytestmark = pytest.mark.xdist_group("browser")  # one process has one

SECONDS = 60
SCRIPT = "<script>document.title = 'broken in'</script><img src=x onerror=alert(1)>"
HANDLER = """
import time

from app.processing.handlers import PermanentError

def handle(order):
    if order.user_id == "unlucky":
        raise PermanentError("the printer burns")
    if order.user_id == "wordy":
        raise PermanentError("the printer burns " * 30)
    if order.user_id == "slow":
        time.sleep(1000)
"""


PALE_TEXTS = """() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => [red, green, blue]
    .map((each) => each / 255)
    .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
    .reduce((sum, each, index) => sum + each * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = channels(getComputedStyle(each).backgroundColor);
      if (colour.length === 3) return colour;
    }
    return [255, 255, 255];
  };
  const pale = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest(".pages > span")) continue;
    const style = getComputedStyle(element);
    const [one, other] = [luminance(channels(style.color)), luminance(behind(element))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (contrast < (large ? 3 : 4.5)) pale.push([element.textContent, contrast]);
  }
  return pale;
}"""
"""Texts of less contrast with what is behind them than WCAG 2.2 asks for on level AA."""
CUT_TEXTS = """(cells) => cells
  .filter((cell) => cell.scrollWidth > cell.clientWidth)
  .map((cell) => cell.textContent)"""
"""Texts of which only the beginning is to be seen."""


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Any database does: what differs is below the page."""
    return SQLiteFile(tmp_path).fresh()


@pytest.fixture
def service(start_service: Callable[..., LiveService], tmp_path: Path) -> LiveService:
    """A service where orders of the user `unlucky` fail at once, and those of `slow` never end.

    Its lease outlasts the test, so that no worker is retired for having been slow.
    """
    (tmp_path / "burning.py").write_text(HANDLER)
    return start_service(
        processes=2, LEASE_SECONDS=3600, ORDER_HANDLER="burning:handle", PYTHONPATH=tmp_path
    )


@pytest.fixture
def page(browser: Browser, service: LiveService) -> Iterator[Page]:
    """The dashboard; its requests stay on this host, its console stays silent."""
    with browser.page(f"{service.url}/dashboard") as page:
        yield page


def place(
    service: LiveService, order_id: str, *, user_id: str = "ada", total_amount: str = "5"
) -> None:
    body = {"order_id": order_id, "user_id": user_id, "item_ids": [1], "total_amount": total_amount}
    assert requests.post(f"{service.url}/orders", json=body, timeout=SECONDS).status_code == 201


def wait_for_end(service: LiveService, order_id: str, status: str) -> None:
    """Return once the order has this status."""
    address = f"{service.url}/orders/{order_id}/status"
    wait_until(
        lambda: requests.get(address, timeout=SECONDS).json()["status"] == status,
        SECONDS,
        f"{order_id} to be {status}",
    )


def wait_for_workers(service: LiveService) -> None:
    """Return once both have signed on."""
    address = f"{service.url}/metrics"
    wait_until(
        lambda: requests.get(address, timeout=SECONDS).json()["workers"]["alive"] == 2,
        SECONDS,
        "both workers",
    )


def test_numbers_change_while_a_load_runs(
    page: Page, service: LiveService, start_load: Callable[..., Load]
) -> None:
    expect(page.locator("#count-completed")).to_have_text("0")
    load = start_load(service, num_requests=200, rate=100)
    expect(page.locator("#count-completed")).to_have_text("200")
    expect(page.locator("#in")).not_to_have_text("0")
    assert load.finish()[0] == 0
    expect(page.locator(".orders tbody tr")).to_have_count(25)


def test_a_chart_tells_what_it_shows_at_the_pointer(page: Page) -> None:
    told = page.locator(".plot output").first
    expect(told).to_be_empty()
    page.locator(".plot").first.hover()
    expect(told).to_have_text(re.compile(r"\d\d:\d\d {2}\S+ {2}\S+"))
    with page.expect_response("**/dashboard/state*"):
        pass
    expect(told).not_to_be_empty()
    page.locator("h1").hover()
    expect(told).to_be_empty()


@pytest.mark.parametrize("path", ["/dashboard/state", "/dashboard/static/dashboard.css", "/docs"])
def test_an_answer_that_nothing_has_changed_is_nothing_but_its_head(
    service: LiveService, path: str
) -> None:
    """A browser takes what follows for the beginning of the next answer."""
    answers: list[bytes] = []

    def nothing_has_changed() -> bool:
        answers.append(ask_again(service, path))
        return answers[-1].startswith(b"HTTP/1.1 304 ")

    wait_until(nothing_has_changed, SECONDS, "304")  # at first the workers are still signing on
    assert answers[-1].endswith(b"\r\n\r\n")
    assert answers[-1].count(b"\r\n\r\n") == 1


def ask_again(service: LiveService, path: str) -> bytes:
    """Ask for what one has just had, and return the whole answer."""
    known = requests.get(f"{service.url}{path}", timeout=SECONDS).headers["ETag"]
    with socket.create_connection(("127.0.0.1", service.port), timeout=SECONDS) as connection:
        head = f"GET {path} HTTP/1.1\r\nHost: here\r\nIf-None-Match: {known}\r\n\r\n"
        connection.sendall(head.encode())
        with connection.makefile("rb") as answer:
            return answer.read()


def test_orders_are_filtered_looked_up_and_paged(page: Page, service: LiveService) -> None:
    for number in range(30):
        place(service, f"A-{number:02}")
    place(service, "B-1", user_id="unlucky")
    wait_for_end(service, "B-1", "FAILED")
    ids = page.locator(".orders .id")
    page.get_by_role("combobox", name="State").select_option("Failed")
    page.get_by_role("button", name="Show").click()
    expect(ids).to_have_text(["B-1"])
    page.get_by_role("link", name="Clear").click()
    page.get_by_label("User").fill("ada")
    page.keyboard.press("Enter")
    expect(ids).to_have_text([f"A-{number:02}" for number in range(29, 4, -1)])
    page.get_by_role("link", name="Older").click()
    expect(ids).to_have_text([f"A-{number:02}" for number in range(4, -1, -1)])
    page.get_by_role("link", name="Newer").click()
    expect(ids).to_have_count(25)
    page.get_by_label("Id", exact=True).fill("A-17")
    page.keyboard.press("Enter")
    expect(ids).to_have_text(["A-17"])


def test_a_row_opens_its_orders_story_and_the_order_goes_round_again(
    page: Page, service: LiveService
) -> None:
    place(service, "B-1", user_id="unlucky")
    wait_for_end(service, "B-1", "FAILED")
    page.get_by_role("link", name="B-1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".story li b")).to_have_text(["Created", "Attempt 1", "Failed"])
    expect(dialog).to_contain_text("PermanentError: the printer burns")
    dialog.get_by_role("link", name="Retry this order").click()
    dialog.get_by_role("button", name="Retry").click()
    expect(dialog.locator(".story")).to_contain_text("Sent round again by hand")
    wait_for_end(service, "B-1", "FAILED")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_a_long_story_is_shown_from_its_beginning(page: Page, service: LiveService) -> None:
    place(service, "B-1", user_id="wordy")
    wait_for_end(service, "B-1", "FAILED")
    page.set_viewport_size({"width": 800, "height": 300})
    page.get_by_role("link", name="B-1").click()
    dialog = page.get_by_role("dialog")
    retry = dialog.get_by_role("link", name="Retry this order")
    expect(retry).to_be_focused()
    assert dialog.evaluate("(it) => [it.scrollTop, it.scrollHeight > it.clientHeight]") == [0, True]
    retry.click()
    dialog.get_by_role("link", name="No").click()
    expect(retry).to_be_focused()
    assert dialog.evaluate("(it) => it.scrollTop") == 0


def test_all_failed_orders_are_retried_after_a_question(page: Page, service: LiveService) -> None:
    for number in range(3):
        place(service, f"B-{number}", user_id="unlucky")
    expect(page.locator("#count-failed")).to_have_text("3")
    page.locator(".tile.failed").click()
    page.get_by_role("link", name="Retry all").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("All 3 failed orders")
    dialog.get_by_role("button", name="Retry all").click()
    expect(dialog.get_by_role("heading")).to_have_text("3 orders sent round again")


def test_a_waiting_order_is_cancelled(page: Page, service: LiveService) -> None:
    for number in range(2):  # one for each worker
        place(service, f"S-{number}", user_id="slow")
    expect(page.locator("#count-processing")).to_have_text("2")
    place(service, "A-1")
    expect(page.locator("#count-pending")).to_have_text("1")
    page.get_by_role("link", name="A-1").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("link", name="Cancel this order").click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog.locator(".story li b")).to_have_text(["Created", "Cancelled"])
    expect(page.locator("#count-cancelled")).to_have_text("1")


def is_stopped_holding_nobody_up(service: LiveService, pid: int, database_url: str) -> bool:
    """Stop the worker; let it go on if it has SQLite's lock, or a request of the page, in hand."""
    os.kill(pid, signal.SIGSTOP)
    with suppress(OperationalError), orders_locked(database_url):
        if service.busy_threads() == 0:
            return True
    os.kill(pid, signal.SIGCONT)
    return False


def test_a_worker_that_stands_still_turns_red(
    page: Page, service: LiveService, database_url: str
) -> None:
    rows = page.locator(".workers tbody tr.good")
    expect(rows).to_have_count(2)
    stopped = service.worker_pids()[0]
    wait_until(
        lambda: is_stopped_holding_nobody_up(service, stopped, database_url),
        SECONDS,
        "a moment at which it has nothing in hand",
    )
    red = page.locator(".workers tbody tr.bad")
    expect(red).to_have_count(1)
    expect(red).to_contain_text(str(stopped))
    os.kill(stopped, signal.SIGCONT)


def test_a_script_in_an_order_shows_as_text(page: Page, service: LiveService) -> None:
    user = SCRIPT[:64]
    place(service, "A-1", user_id=user)
    expect(page.locator(".orders .user")).to_have_text(user)
    page.get_by_role("link", name="A-1").click()
    expect(page.get_by_role("dialog")).to_contain_text(user)
    assert page.title() == "Orders"
    assert page.locator("img").count() == 0


def test_without_a_script_everything_is_there_and_works(
    browser: Browser, service: LiveService
) -> None:
    place(service, "B-1", user_id="unlucky")
    wait_for_end(service, "B-1", "FAILED")
    wait_for_workers(service)
    with browser.page(f"{service.url}/", java_script_enabled=False) as page:
        expect(page.locator("#count-failed")).to_have_text("1")
        expect(page.locator(".chart svg")).to_have_count(4)
        expect(page.locator(".workers tbody tr")).to_have_count(2)
        page.get_by_role("combobox", name="State").select_option("Failed")
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name="B-1").click()
        expect(page.locator(".story .error")).to_contain_text("the printer burns")
        page.get_by_role("link", name="Retry this order").click()
        page.get_by_role("button", name="Retry").click()
        expect(page.locator(".story")).to_contain_text("Sent round again by hand")


def test_nothing_sticks_out_and_every_text_can_be_read(
    browser: Browser, service: LiveService
) -> None:
    place(service, "A" * 64, user_id="u" * 64)
    for width, colours in product((360, 1280), ("light", "dark")):
        with browser.page(f"{service.url}/dashboard", width=width, color_scheme=colours) as page:
            page.get_by_role("link", name="A" * 64).click()
            page.get_by_role("dialog").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert page.evaluate(PALE_TEXTS) == []


def test_nothing_of_an_order_but_its_id_and_user_is_cut(
    browser: Browser, service: LiveService
) -> None:
    place(service, "A-1", total_amount="9999999999.99")
    wait_for_end(service, "A-1", "COMPLETED")
    for width in (390, 800, 1280, 1920):
        with browser.page(f"{service.url}/dashboard", width=width) as page:
            expect(page.locator(".orders tbody td:nth-child(4)")).to_have_text("9,999,999,999.99")
            assert page.locator(".orders td:not(.id, .user)").evaluate_all(CUT_TEXTS) == []


def test_no_state_or_heartbeat_of_a_worker_is_cut(
    browser: Browser, service: LiveService, database_url: str
) -> None:
    beat_at = utc_now() - timedelta(hours=23, minutes=50)
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        stranger = workers.register(connection, identity(boot_id="another"))
        silent = update(workers_table).where(workers_table.c.id == stranger)
        connection.execute(silent.values(beat_at=beat_at))
    for width in (360, 800, 1280):
        with browser.page(f"{service.url}/dashboard", width=width) as page:
            beat = page.locator(f"#worker-{stranger} td:nth-child(4)")
            expect(beat).to_have_text(re.compile(r"23 h \d\d min ago"))
            cells = page.locator(".workers td:not(:nth-child(2), .id)")
            assert cells.evaluate_all(CUT_TEXTS) == []


def test_a_tablet_shows_the_figures_in_columns_and_the_workers_whole(
    browser: Browser, service: LiveService
) -> None:
    wait_for_workers(service)
    for width in (768, 900, 1024):
        with browser.page(f"{service.url}/dashboard", width=width) as page:
            figures = page.locator(".figures dl .figure")
            lefts = figures.evaluate_all("(all) => all.map((each) => each.offsetLeft)")
            assert lefts[3:] == lefts[:2]
            table = page.locator(".scroll:has(.workers)")
            assert table.evaluate("(it) => it.scrollWidth <= it.clientWidth")


def test_the_page_is_used_by_keyboard(page: Page, service: LiveService) -> None:
    place(service, "A-1")
    wait_for_end(service, "A-1", "COMPLETED")  # then there is nothing in its story to act on
    link = page.get_by_role("link", name="A-1")
    link.wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def test_a_page_that_nobody_sees_asks_for_nothing(page: Page) -> None:
    with page.expect_response("**/dashboard/state*"):
        pass
    page.evaluate(
        """Object.defineProperty(document, "hidden", { value: true, configurable: true });
           document.dispatchEvent(new Event("visibilitychange"));"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(4000)
    assert asked == []
    with page.expect_response("**/dashboard/state*"):
        page.evaluate(
            """Object.defineProperty(document, "hidden", { value: false });
               document.dispatchEvent(new Event("visibilitychange"));"""
        )


def test_a_key_is_asked_for_once_and_lets_do_what_its_role_allows(
    browser: Browser, start_service: Callable[..., LiveService]
) -> None:
    keys = {role: make_key(role, role) for role in ("read", "admin")}
    service = start_service(processes=2, API_KEYS=",".join(entry for _, entry in keys.values()))
    for role, (key, _) in keys.items():
        with browser.page(f"{service.url}/dashboard") as page:
            page.get_by_label("API key").fill(key)
            page.get_by_role("button", name="Sign in").click()
            page.locator(".tile.failed").click()
            may_act = page.get_by_role("link", name="Retry all")
            expect(may_act).to_have_count(1 if role == "admin" else 0)
            for _ in range(4):  # answered by either of the workers
                page.reload()
                expect(page.locator(".who")).to_contain_text(role)
            (cookie,) = page.context.cookies()
            assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
            page.locator("#pace").select_option("never")  # without a key it would be refused
            page.get_by_role("button", name="Sign out").click()
            expect(page.get_by_label("API key")).to_be_visible()


def test_a_service_that_is_gone_is_told_on_the_page(browser: Browser, service: LiveService) -> None:
    def watch_it_go_and_come_back() -> None:
        with browser.page(f"{service.url}/dashboard") as page:
            service.kill()
            expect(page.locator("#link")).to_contain_text("not answer")
            service.start()
            expect(page.locator("#link")).to_have_text("")

    with pytest.raises(AssertionError, match="ERR_"):
        watch_it_go_and_come_back()
