"""Several statements at once: every result in its order, and no error missed."""

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.database import placeholder
from app.orders import counters, store
from app.round_trip import Result, Statement, execute_together
from tests.builders import draft
from tests.integration.moves import OWNER, in_transaction, statuses, totals

TWICE = "INSERT INTO counters (worker_id, name, value) VALUES (1, 'twice', 1)"
COUNT = "SELECT name, value FROM counters ORDER BY name"
RAISE = "UPDATE counters SET value = value + 1"


def together(engine: Engine, *texts: str) -> list[Result]:
    """Run the texts in one transaction."""
    return in_transaction(engine, execute_together, [Statement(text, ()) for text in texts])


def test_each_statement_has_its_result(engine: Engine) -> None:
    in_transaction(engine, counters.add, OWNER, counters.Counter(a=1, b=2))
    raised, counted, again = together(engine, RAISE, COUNT, RAISE)
    assert (raised.row_count, again.row_count) == (2, 2)
    assert [tuple(row) for row in counted.rows] == [("a", 2), ("b", 3)]
    assert raised.rows == again.rows == ()


def test_values_reach_their_statement(engine: Engine) -> None:
    def work(connection: Connection) -> list[Result]:
        mark = placeholder(connection)
        echo = Statement(f"SELECT {mark}", ("a;b%s?",))
        return execute_together(connection, [echo, Statement("SELECT 1", ()), echo])

    first, _, last = in_transaction(engine, work)
    assert [tuple(first.rows[0]), tuple(last.rows[0])] == [("a;b%s?",)] * 2


@pytest.mark.parametrize("good", [0, 1, 2])
def test_an_error_of_any_of_them_is_raised_and_nothing_stays(engine: Engine, good: int) -> None:
    with pytest.raises(IntegrityError):
        together(engine, *[RAISE] * good, TWICE, TWICE, RAISE)
    assert totals(engine) == {}
    together(engine, TWICE)  # the connection can be used as ever


def test_what_is_no_statement_is_an_error_behind_others_too(engine: Engine) -> None:
    with pytest.raises(DBAPIError):
        together(engine, RAISE, "NOT SQL")


def test_no_statement_is_no_round_trip(engine: Engine) -> None:
    assert in_transaction(engine, execute_together, []) == []


def test_an_order_that_cannot_be_counted_is_not_placed(engine: Engine) -> None:
    uncountable = Statement("INSERT INTO counters (worker_id) VALUES (NULL)", ())
    with pytest.raises(DBAPIError):
        in_transaction(engine, store.place, [draft()], uncountable)
    assert statuses(engine) == []
