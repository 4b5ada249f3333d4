"""Tables on a terminal that is narrower than what they hold."""

from collections.abc import Sequence

import pytest

from app.commands import tables

UUID = "01a224ef-0fb7-70f4-9fda-c60c16940472"
LONGEST = "x" * 64
OF_ORDERS = ("order id", "status", "user id", "total amount", "created at", "seconds")
AN_ORDER = ("PROCESSING", "load-440819a07fcd4a2d", "59.99", "2026-11-29T01:32:56.636431Z", 0.02)
OF_WORKERS = (
    *("id", "host", "pid", "slot", "version", "state", "heartbeat age", "queue length"),
    "current order",
)
A_WORKER = (12, "orders-1", 28489, 2, "0.1.0", "DRAINING", 1.827, 7)


def printed(
    capsys: pytest.CaptureFixture[str], headings: Sequence[str], row: Sequence[object]
) -> list[str]:
    """Return the lines of a table of this one row."""
    tables.print_table(headings, [row])
    return capsys.readouterr().out.splitlines()


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the terminal 80 columns wide."""
    monkeypatch.setattr(tables, "PIPED_WIDTH", 80)


@pytest.mark.parametrize("order_id", [UUID, LONGEST])
def test_the_id_of_an_order_is_never_broken(capsys, order_id: str) -> None:
    orders = printed(capsys, OF_ORDERS, (order_id, *AN_ORDER))
    workers = printed(capsys, OF_WORKERS, (*A_WORKER, order_id))
    for lines in (orders, workers):
        assert [order_id in line for line in lines].count(True) == 1


def test_with_the_ids_that_the_service_makes_a_table_fits(capsys) -> None:
    orders = printed(capsys, OF_ORDERS, (UUID, *AN_ORDER))
    workers = printed(capsys, OF_WORKERS, (*A_WORKER, UUID))
    assert max(map(len, orders + workers)) <= 80


def test_beside_an_id_that_leaves_no_room_nothing_is_folded(capsys) -> None:
    *_, line, _ = printed(capsys, OF_WORKERS, (*A_WORKER, LONGEST))
    assert line.split() == [*map(str, A_WORKER), LONGEST]
