"""Rules 1 and 2 catch what was accepted and is lost, is there twice, or was never asked for."""

import pytest

from tests.faults.history import History, broken, harm


def test_rule_1_an_accepted_order_without_a_row_is_lost(history: History):
    history.asked("a")

    verdict = history.verdict()

    sentence = "was answered 201 with order order-a, which is not there"
    assert broken(verdict) == [(1, "a", sentence)]
    assert harm(verdict) == (1, 0, 0)


def test_rule_1_a_key_with_two_orders_is_there_twice(history: History):
    history.order("a")
    history.asked("a", order_id="order-b")
    history.row("a", order_id="order-b")
    history.handled("b")

    verdict = history.verdict()

    assert broken(verdict) == [
        (1, "a", "was answered with the orders order-a and order-b"),
        (1, "a", "has 2 rows"),
    ]
    assert harm(verdict) == (0, 1, 0)


@pytest.mark.parametrize(
    "columns",
    [{"user_id": "8"}, {"item_ids": '["a", 103]'}, {"total_amount": 59.98}],
    ids=lambda columns: next(iter(columns)),
)
def test_rule_1_a_row_that_is_not_as_it_was_sent_is_told(history: History, columns: dict):
    history.asked("a")
    history.row("a", **columns)
    history.handled("a")

    (rule, key, sentence), *_ = broken(history.verdict())

    assert (rule, key) == (1, "a")
    assert sentence.startswith("asked for ('7', '[\"a\", 102]', Decimal('59.99')), order order-a")


def test_rule_1_an_answer_with_another_rows_id_is_told(history: History):
    history.asked("a", row_id=2)
    history.row("a")
    history.handled("a")

    assert broken(history.verdict()) == [(1, "a", "was answered with id 2, the row has 1")]


def test_rule_1_an_order_id_other_than_the_one_asked_for_is_told(history: History):
    history.order("a")
    sent = history.journal.read_text()
    history.journal.write_text(sent.replace('"user_id"', '"order_id": "A-1", "user_id"'))

    assert broken(history.verdict()) == [(1, "a", "asked for order id A-1, got order-a")]


def test_rule_2_a_row_nobody_asked_for_is_a_phantom(history: History):
    history.row("a")
    history.handled("a")

    verdict = history.verdict()

    assert broken(verdict) == [(2, "order-a", "was never asked for")]
    assert harm(verdict) == (0, 0, 1)


def test_rule_2_a_key_that_only_got_errors_may_not_have_two_rows(history: History):
    history.asked("a", 503)
    history.asked("a", None)
    for order_id in ("order-a", "order-b"):
        history.row("a", order_id=order_id)
    history.handled("a")
    history.handled("b")

    verdict = history.verdict()

    assert broken(verdict) == [(2, "a", "only got errors and has 2 rows")]
    assert harm(verdict) == (0, 1, 0)
