"""The backlog gauge."""

import pytest

from app.processing.backlog import Backlog


@pytest.mark.parametrize(("orders", "full"), [(0, False), (9, False), (10, True), (11, True)])
def test_it_is_full_from_the_bound_on(orders: int, full: bool) -> None:
    backlog = Backlog(10)
    backlog.refresh(orders)
    assert backlog.full is full


@pytest.mark.parametrize(("orders", "filling"), [(0, False), (4, False), (5, True), (11, True)])
def test_it_is_filling_from_half_of_the_bound_on(orders: int, filling: bool) -> None:
    backlog = Backlog(10)
    backlog.refresh(orders)
    assert backlog.filling is filling


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
