"""For how long a beat makes a worker sure of its place."""

import time

from app.orders.counters import NOBODY
from app.processing.membership import MARGIN_SECONDS, Membership

LEASE_SECONDS = 15


def test_before_the_first_beat_it_is_nobody_and_holds_nothing() -> None:
    membership = Membership(LEASE_SECONDS)
    assert membership.worker_id == NOBODY
    assert not membership.holds


def test_a_beat_holds_until_shortly_before_the_lease_is_over() -> None:
    membership = Membership(LEASE_SECONDS)
    term = LEASE_SECONDS - MARGIN_SECONDS
    membership.renew(7, sent_at=time.monotonic() - term + 1)
    assert membership.worker_id == 7
    assert membership.holds
    membership.renew(7, sent_at=time.monotonic() - term)
    assert not membership.holds


def test_the_margin_is_part_of_the_lease() -> None:
    assert 0 < MARGIN_SECONDS < 5, "5 seconds is the shortest lease"


def test_who_ends_holds_nothing_more_and_keeps_its_id_to_sign_off() -> None:
    membership = Membership(LEASE_SECONDS)
    membership.renew(7, sent_at=time.monotonic())
    membership.end()
    assert not membership.holds
    assert membership.worker_id == 7
