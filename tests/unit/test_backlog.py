"""The backlog gauge."""

import pytest

from app.processing.backlog import Backlog


@pytest.mark.parametrize(("orders", "full"), [(0, False), (9, False), (10, True), (11, True)])
def test_it_is_full_from_the_bound_on(orders: int, full: bool) -> None:
    backlog = Backlog(10)
    backlog.refresh(orders)
    assert backlog.full is full


def test_what_this_worker_does_moves_the_gauge_until_the_refresh() -> None:
    backlog = Backlog(10)
    backlog.refresh(8)
    backlog.change(2)
    assert backlog.full
    backlog.change(-1)
    assert not backlog.full
    backlog.change(5)
    backlog.refresh(3)
    assert not backlog.full
