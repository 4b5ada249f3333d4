"""The handler writes its line before it does what it is asked, whatever that is."""

import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from app.processing.handlers import Order, PermanentError
from tests.faults.handler import handle
from tests.faults.ledger import read_ledger

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The ledger this test's handlers write to."""
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger"))
    return tmp_path / "ledger"


def an_order(user_id: int | str) -> Order:
    return Order(1, "order-a", user_id, [1], Decimal(1), attempt=2)


def written(ledger: Path) -> list[tuple[str, int]]:
    return [(call.order_id, call.attempt) for call in read_ledger(ledger)]


@pytest.mark.parametrize("user_id", [7, "return", "slow:0.001"])
def test_it_returns(ledger: Path, user_id: int | str):
    handle(an_order(user_id))

    assert written(ledger) == [("order-a", 2)]


@pytest.mark.parametrize(
    ("user_id", "error"),
    [("raise", RuntimeError), ("permanent", PermanentError), ("allocate:1", MemoryError)],
)
def test_it_raises(ledger: Path, user_id: str, error: type[Exception]):
    with pytest.raises(error, match=r"order 'order-a': asked to .* in attempt 2"):
        handle(an_order(user_id))

    assert written(ledger) == [("order-a", 2)]


@pytest.mark.parametrize(("user_id", "status"), [("exit", 1), ("segv", -signal.SIGSEGV)])
def test_it_takes_its_process_with_it(ledger: Path, user_id: str, status: int):
    code = f"from tests.faults.test_handler import *; handle(an_order({user_id!r}))"

    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)

    assert ended.returncode == status
    assert written(ledger) == [("order-a", 2)]
