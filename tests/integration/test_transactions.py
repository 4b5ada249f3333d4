"""Transactions that meet others, and the limits of their waiting."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.database import prepare_engine
from app.orders import counters
from app.orders.errors import UnavailableError
from app.orders.lifecycle import RELEASE
from app.orders.store import attempts
from app.transactions import MAX_TRIES, run_transaction
from tests.builders import claim, draft, ending
from tests.integration.moves import OTHER, OWNER, all_rows, place, totals
from tests.integration.sessions import count, session_of
from tests.processes import wait_until
from tests.servers import DatabaseServer

SECONDS = 20
only_on = pytest.mark.only_on
IMPATIENCE = {
    "mysql": "SET SESSION innodb_lock_wait_timeout = 0",
    "postgresql": "SET LOCAL lock_timeout = '10ms'",
}
ADD = text("UPDATE counters SET value = value + 1 WHERE worker_id = :worker_id")


def test_what_a_transaction_returns_is_returned_and_committed(engine: Engine) -> None:
    def work(connection: Connection) -> str:
        count(connection)
        return "done"

    assert run_transaction(engine, work) == "done"
    assert totals(engine) == {"place": 1}


@pytest.mark.parametrize("error", [ValueError, UnavailableError])
def test_an_error_of_its_own_rolls_back_and_is_not_tried_again(
    engine: Engine, error: type[Exception]
) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        count(connection)
        raise error("a bug")

    with pytest.raises(error):
        run_transaction(engine, work)
    assert len(tries) == 1
    assert totals(engine) == {}


def test_a_violated_constraint_rolls_back_and_is_not_tried_again(engine: Engine) -> None:
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        count(connection)
        connection.execute(text("INSERT INTO counters VALUES (7, 'place', 2)"))

    with pytest.raises(IntegrityError):
        run_transaction(engine, work)
    assert len(tries) == 1
    assert totals(engine) == {}


def test_a_commit_that_fails_leaves_no_transaction_behind(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: object) -> None:
        raise engine.dialect.loaded_dbapi.InternalError("of a kind that nobody knows")

    with monkeypatch.context() as patch:
        patch.setattr(engine.dialect, "do_commit", fail)
        with pytest.raises(DBAPIError):
            run_transaction(engine, count)
    run_transaction(engine, count)
    assert totals(engine) == {"place": 1}


@only_on("mariadb", "postgresql")
def test_a_deadlock_is_resolved_by_running_its_victim_again(
    engine: Engine, server: DatabaseServer
) -> None:
    with engine.begin() as connection:
        for worker_id in (OWNER, OTHER):
            counters.add(connection, worker_id, counters.Counter({"place": 1}))
    both_hold_one = threading.Barrier(2)
    tries = []

    def crosswise(first: int, second: int) -> None:
        own_tries = []

        def work(connection: Connection) -> None:
            own_tries.append(connection)
            connection.execute(ADD, {"worker_id": first})
            if len(own_tries) == 1:
                both_hold_one.wait(SECONDS)
            connection.execute(ADD, {"worker_id": second})

        run_transaction(engine, work)
        tries.append(len(own_tries))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(crosswise, (OWNER, OTHER), (OTHER, OWNER)))
    assert sorted(tries) == [1, 2]
    assert totals(engine) == {"place": 6}


@only_on("mariadb", "postgresql")
def test_a_lock_time_out_is_tried_again_from_the_beginning(
    engine: Engine, server: DatabaseServer
) -> None:
    """MySQL rolls back the statement alone: what came before it must not be done twice."""
    with engine.begin() as connection:
        counters.add(connection, OTHER, counters.Counter({"place": 1}))
    holder = engine.connect()
    holder.execute(ADD, {"worker_id": OTHER})
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        if len(tries) == 2:
            holder.close()
        connection.execute(text(IMPATIENCE[connection.dialect.name]))
        count(connection)
        connection.execute(ADD, {"worker_id": OTHER})

    run_transaction(engine, work)
    assert len(tries) == 2
    assert totals(engine) == {"place": 3}
    engine.dispose()  # the impatient connections with it


@only_on("mariadb", "postgresql")
def test_a_lock_that_is_never_given_back_is_given_up_in_time(
    engine: Engine, server: DatabaseServer
) -> None:
    place(engine, draft())
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        connection.execute(text(IMPATIENCE[connection.dialect.name]))
        connection.execute(text("UPDATE orders SET solo = true"))

    with engine.connect() as holder:
        holder.execute(text("UPDATE orders SET solo = true"))
        with pytest.raises(UnavailableError, match="cannot be used at the moment"):
            run_transaction(engine, work)
    assert len(tries) == MAX_TRIES
    assert not all_rows(engine)[0].solo
    engine.dispose()  # the impatient connections with it


@pytest.fixture
def impatient_engine(engine: Engine) -> Iterator[Engine]:
    """An engine on the same SQLite file that does not wait for the write lock."""
    impatient = create_engine(engine.url, connect_args={"timeout": 0})
    prepare_engine(impatient)
    with impatient.connect():  # the first of all sets the journal mode
        pass
    yield impatient
    impatient.dispose()


@pytest.fixture
def writer(impatient_engine: Engine) -> Iterator[sqlite3.Connection]:
    """A connection that holds SQLite's write lock."""
    with closing(sqlite3.connect(impatient_engine.url.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield holder


@only_on("sqlite")
def test_a_busy_sqlite_is_tried_again(
    engine: Engine, impatient_engine: Engine, writer: sqlite3.Connection
) -> None:
    tries = []

    def give_up_the_lock(connection: sqlite3.Connection, *_: object) -> None:
        tries.append(connection)
        if len(tries) == 3:
            writer.execute("ROLLBACK")

    event.listen(impatient_engine, "checkout", give_up_the_lock)
    run_transaction(impatient_engine, count)
    assert len(tries) == 3
    assert totals(engine) == {"place": 1}


@only_on("sqlite")
def test_who_only_reads_waits_for_no_writer(
    impatient_engine: Engine, writer: sqlite3.Connection
) -> None:
    writer.execute("INSERT INTO counters VALUES (7, 'place', 1)")
    assert run_transaction(impatient_engine, counters.totals, read_only=True) == {}
    with pytest.raises(UnavailableError):
        run_transaction(impatient_engine, counters.totals)


@only_on("sqlite")
def test_sqlite_loses_nothing_in_a_power_cut(impatient_engine: Engine) -> None:
    """FULL (2) syncs every COMMIT to the disk."""
    with impatient_engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@only_on("mariadb", "postgresql")
def test_a_transaction_sees_what_others_commit_while_it_runs(
    engine: Engine, server: DatabaseServer
) -> None:
    """READ COMMITTED: under REPEATABLE READ claims and sweeps would block each other."""
    with engine.connect() as connection:
        assert counters.totals(connection) == {}
        run_transaction(engine, count)
        assert counters.totals(connection) == {"place": 1}


@only_on("mariadb", "postgresql")
def test_every_connection_limits_how_long_it_waits(engine: Engine, server: DatabaseServer) -> None:
    limits = {
        "mysql": "SELECT @@innodb_lock_wait_timeout, @@max_statement_time,"
        " @@idle_write_transaction_timeout",
        "postgresql": "SELECT current_setting('lock_timeout'),"
        " current_setting('statement_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')",
    }
    with engine.connect() as connection:
        found = connection.execute(text(limits[engine.dialect.name])).one()
    assert [float(str(each).removesuffix("s")) for each in found] == [3, 8, 8]


def count_several(connection: Connection) -> None:
    counters.add(connection, OWNER, counters.Counter({"place": 1, "claim": 2}))


def record_several(connection: Connection) -> None:
    attempts.record(connection, [ending(claim(number), RELEASE) for number in (1, 2)])


@only_on("postgresql")
@pytest.mark.parametrize("write", [count_several, record_several])
def test_many_rows_do_not_stop_the_clock_of_a_transaction_that_stands_idle(
    engine: Engine, server: DatabaseServer, write: Callable[[Connection], None]
) -> None:
    """A worker that is cut off after them would hold their locks for ever."""
    with engine.connect() as connection:
        session = session_of(connection)
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5s'"))
        write(connection)
        ended = f"SELECT 1 FROM pg_stat_activity WHERE pid = {session}"
        wait_until(lambda: not server.administer(ended), SECONDS, "end of the session")
        connection.invalidate()


@only_on("mariadb", "postgresql")
def test_a_statement_that_takes_too_long_is_ended_and_not_repeated(
    engine: Engine, server: DatabaseServer
) -> None:
    limit = {
        "mysql": "SET SESSION max_statement_time = 0.05",
        "postgresql": "SET LOCAL statement_timeout = 50",
    }
    slow = {"mysql": "SELECT SLEEP(5)", "postgresql": "SELECT pg_sleep(5)"}
    tries = []

    def work(connection: Connection) -> None:
        tries.append(connection)
        connection.execute(text(limit[engine.dialect.name]))
        connection.execute(text(slow[engine.dialect.name]))

    with pytest.raises(UnavailableError):
        run_transaction(engine, work)
    assert len(tries) == 1
    engine.dispose()  # the impatient connection with it


def test_a_pool_without_a_free_connection_is_given_up_at_once(engine: Engine) -> None:
    narrow = create_engine(engine.url, pool_size=1, max_overflow=0, pool_timeout=0.01)
    prepare_engine(narrow)
    with narrow.connect(), pytest.raises(UnavailableError, match="TimeoutError"):
        run_transaction(narrow, count)
    narrow.dispose()
