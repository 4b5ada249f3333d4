"""One attempt: whatever the handler does becomes an ending."""

import logging
from datetime import timedelta
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import utc_now
from app.orders.lifecycle import COMPLETE, FAIL, FOREVER_DUE, RETRY_LATER, Claim, Ending
from app.processing import attempts
from app.processing.attempts import MAX_ERROR_LENGTH, RetryPolicy, attempt
from app.processing.handlers import Handler, Order, PermanentError
from tests.builders import ForwardingError, claim

POLICY = RetryPolicy(max_attempts=5, base_seconds=1)


def raising(error: BaseException) -> Handler:
    def handler(_order: Order) -> NoReturn:
        raise error

    return handler


def ending_of(error: BaseException, *, number: int = 1, policy: RetryPolicy = POLICY) -> Ending:
    return attempt(claim(attempt=number), raising(error), policy)


def test_a_handler_that_returns_completes_its_order() -> None:
    seen: list[Order] = []
    held = claim(7)
    before = utc_now()
    ended = attempt(held, seen.append, POLICY)
    assert [order.id for order in seen] == [7]
    assert (ended.claim, ended.transition, ended.error) == (held, COMPLETE, None)
    assert before <= ended.started_at <= ended.ended_at <= utc_now() + timedelta(seconds=0.1)
    assert ended.available_at == FOREVER_DUE


@pytest.mark.parametrize(("number", "longest_seconds"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_a_handler_that_raises_is_tried_again_within_the_bounds_of_the_backoff(
    number: int, longest_seconds: float
) -> None:
    before = utc_now()
    ended = ending_of(ValueError("out of paper"), number=number)
    assert (ended.transition, ended.error) == (RETRY_LATER, "ValueError: out of paper")
    assert before <= ended.available_at <= utc_now() + timedelta(seconds=longest_seconds)


def test_the_last_attempt_fails_the_order() -> None:
    ended = ending_of(ValueError("out of paper"), number=POLICY.max_attempts)
    assert (ended.transition, ended.error) == (FAIL, "ValueError: out of paper")
    assert ended.started_at <= ended.ended_at
    assert ended.available_at == FOREVER_DUE


def test_more_attempts_than_allowed_fail_the_order_too() -> None:
    assert ending_of(ValueError(), number=POLICY.max_attempts + 2).transition is FAIL


def test_a_permanent_error_fails_the_order_at_once() -> None:
    ended = ending_of(PermanentError("no such article"))
    assert (ended.transition, ended.error) == (FAIL, "PermanentError: no such article")


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), RecursionError(), MemoryError()]
)
def test_nothing_that_a_handler_raises_gets_out(error: BaseException) -> None:
    assert ending_of(error).transition is RETRY_LATER


class UnprintableError(Exception):
    """Its text cannot be had."""

    def __str__(self) -> str:
        raise ValueError("no text")


def test_an_error_without_a_text_is_an_ending_like_any_other() -> None:
    ended = ending_of(UnprintableError())
    assert ended.transition is RETRY_LATER
    assert ended.error.startswith("UnprintableError")


def test_an_error_that_fails_when_it_is_looked_at_is_an_ending_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts.log, "disabled", True)  # ours shows it, pytest's handler fails
    ended = ending_of(ForwardingError())
    assert ended.transition is RETRY_LATER
    assert ended.error == "ForwardingError: it cannot be shown"


@given(st.text(st.characters(), max_size=1000))
def test_an_error_text_is_one_that_every_database_takes(text: str) -> None:
    said = ending_of(ValueError(text)).error
    assert len(said) <= MAX_ERROR_LENGTH
    assert "\0" not in said
    assert said.encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\0b", "ValueError: ab"),
        ("a\ud800b", "ValueError: a?b"),
        ("\U0001f600", "ValueError: \U0001f600"),
        ("x" * 1000, "ValueError: " + "x" * (500 - len("ValueError: "))),
        ("", "ValueError: "),
    ],
)
def test_an_odd_error_text_is_kept_as_far_as_possible(text: str, said: str) -> None:
    assert ending_of(ValueError(text)).error == said


def test_an_attempt_never_begins_before_its_order_was_created() -> None:
    """The clock may have jumped back since."""
    later = utc_now() + timedelta(hours=1)
    held = Claim(claim().hint._replace(created_at=later))
    ended = attempt(held, lambda _order: None, POLICY)
    assert later <= ended.started_at <= ended.ended_at


def test_what_was_raised_is_logged_with_its_order_and_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        ending_of(ValueError("out of paper"))
    (record,) = caplog.records
    assert record.getMessage() == "order order-1: attempt 1 raised, retry_later"
    assert record.exc_info
