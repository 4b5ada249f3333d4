"""The checker passes a clean history, and its program says what it found."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.history import PLACED_AT, History, broken, harm

ROOT = Path(__file__).parents[2]


def test_a_clean_history_breaks_no_rule(history: History):
    history.order("plain")
    history.order("repeated-by-the-client")
    history.asked("repeated-by-the-client", replayed=True)
    history.order("adopted-once", fence=4, attempts=2)
    history.order("failing", user_id="permanent", status="FAILED")
    history.order("retried-by-hand", fence=5, attempts=1)
    history.touched("retried-by-hand", "retry")
    history.handled("retried-by-hand")
    history.asked("unavailable", 503)
    history.asked("answer-lost", None)
    history.row("answer-lost")
    history.handled("answer-lost")
    metrics = {"pending_count": 0, "processing_count": 0, "processed_count": 5}
    metrics |= {"failed_count": 1, "cancelled_count": 0, "total_orders": 6}

    verdict = history.verdict(metrics, bound_seconds=6)

    assert broken(verdict) == []
    assert verdict.ok
    assert (verdict.orders, harm(verdict)) == (5, (0, 0, 0))


def test_the_slowest_recovery_is_from_the_last_fault_an_order_lived_through(history: History):
    history.order("recovered", completed_at=9)
    history.order("recovered-sooner", completed_at=6)
    history.order("placed-later", created_at=7, started_at=8, completed_at=60)
    history.order("ended-before", completed_at=1.5)

    verdict = history.verdict(fault_times=(PLACED_AT + 2, PLACED_AT + 5))

    assert verdict.slowest_recovery_seconds == pytest.approx(4)
    assert history.verdict().slowest_recovery_seconds is None


def test_two_keys_that_ask_for_the_same_order_are_refused(history: History):
    history.order("a")
    journal = history.journal.read_text()
    history.journal.write_text(journal + journal.replace('"key": "a"', '"key": "b"'))
    lines = [json.loads(line) for line in history.journal.read_text().splitlines()]
    renamed = [json.dumps(line | {"call": f"{n // 2}"}) + "\n" for n, line in enumerate(lines)]
    history.journal.write_text("".join(renamed))

    with pytest.raises(ValueError, match="key 'b' and another ask for the same order"):
        history.verdict()


def test_the_program_prints_the_figures_and_exits_by_the_verdict(history: History, tmp_path: Path):
    metrics = tmp_path / "metrics"
    metrics.write_text(json.dumps({"processed_count": 1, "total_orders": 1}))
    history.order("a")
    history.handled("a", attempt=2)

    clean = _check(history, "--kills", "1", "--fault-at", str(PLACED_AT + 1))
    broken = _check(history, "--metrics", metrics)

    assert (clean.returncode, clean.stderr) == (0, "")
    assert clean.stdout == (
        "faults 1, orders 1, lost 0, twice 0, phantom 0, handled again 1, slowest recovery 1.5 s\n"
    )
    assert broken.returncode == 1
    assert "rule 5: 1 orders were handled again, 0 may be: order-a\n" in broken.stdout
    assert "rule 6: failed_count is None, a recount gives 0\n" in broken.stdout


def test_the_program_shares_nothing_with_the_service():
    loaded = "import sys, tests.faults.checker; print(*sys.modules, sep='\\n')"

    modules = subprocess.run(
        [sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert "tests.faults.checker" in modules
    assert [name for name in modules if name.split(".")[0] in {"app", "sqlalchemy", "flask"}] == []


def _check(history: History, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    left = ["--journal", history.journal, "--ledger", history.ledger]
    left += ["--database-url", history.database_url]
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.checker", *left, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
