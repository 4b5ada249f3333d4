"""Only what was overslept by much is called a standstill."""

from types import SimpleNamespace

import pytest

from tests.faults import standstill
from tests.faults.standstill import NAP_SECONDS, Standstill


def test_what_a_nap_takes_too_long_is_counted_if_it_is_much(monkeypatch: pytest.MonkeyPatch):
    woken_at = iter([0, NAP_SECONDS, 2.5 * NAP_SECONDS, 3.5 * NAP_SECONDS + 3])
    is_over = iter([False, False, False, True])
    monkeypatch.setattr(standstill, "time", SimpleNamespace(monotonic=lambda: next(woken_at)))
    watch = Standstill()
    watch._over = SimpleNamespace(wait=lambda _seconds: next(is_over))

    watch._watch()

    assert watch.seconds == pytest.approx(3)
