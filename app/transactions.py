"""Running a transaction to its end: what is tried again, and what is reported as unavailable."""

import random
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.breaker import Breaker, breaker_of
from app.dialects import dialect_of
from app.faults import Fault
from app.orders.errors import OrderError, OutcomeUnknownError, UnavailableError
from app.writer_queue import turn_to_write

MAX_TRIES: Final = 5
RETRY_WINDOW_SECONDS: Final = 4
"""No try begins later: one more may take a connect and a socket time-out, of a request's 15 s."""
BACKOFF_SECONDS: Final = 0.02

T = TypeVar("T")


def run_transaction(
    engine: Engine, work: Callable[[Connection], T], *, read_only: bool = False
) -> T:
    """Run `work` in one transaction and commit it; the whole again where that can succeed.

    A COMMIT whose answer was lost leaves open whether it happened, so `work` runs again then too:
    it must recognise its own rows (by fence or by key) and count only what it moves this time.

    Args:
        engine: Where to run it.
        work: Gets the connection; its result is returned.
        read_only: Promises that `work` only reads; on SQLite it then waits for no writer.

    Raises:
        UnavailableError: Nothing was written, and trying again now is useless.
        OutcomeUnknownError: A COMMIT was lost, and the database did not come back to tell.
        DBAPIError: The statement itself is at fault, such as a violated constraint.

    """
    tries = _Tries(breaker_of(engine))
    while True:
        tries.stage = _Stage.CONNECTING
        try:
            tries.breaker.check()
            with turn_to_write(engine, read_only=read_only), engine.connect() as connection:
                tries.stage = _Stage.WORKING
                if read_only:
                    connection.execution_options(read_only=True)
                transaction = connection.begin()
                result = work(connection)
                tries.stage = _Stage.WORKING if read_only else _Stage.COMMITTING
                _commit(connection, transaction)
            tries.breaker.succeeded()
            return result  # noqa: TRY300 -- what this try has brought
        except (PoolTimeoutError, UnavailableError) as error:
            raise tries.given_up(error) from error
        except OrderError:  # what `work` has found in the tables
            tries.breaker.succeeded()
            raise
        except DBAPIError as error:
            fault = dialect_of(engine.dialect.name).diagnose(error.orig)
            if fault is None and tries.stage is _Stage.CONNECTING:
                fault = Fault.GONE  # it lets nobody in
            if fault is None:
                tries.breaker.succeeded()  # who refuses a statement is there
                raise
            if not tries.another(fault, error.orig):
                raise tries.given_up(error) from error
        time.sleep(random.uniform(0, BACKOFF_SECONDS * 2**tries.failed))


def _commit(connection: Connection, transaction: RootTransaction) -> None:
    try:
        transaction.commit()
    except DBAPIError:
        connection.invalidate()  # whatever is left of the transaction goes with its connection
        raise


class _Stage(Enum):
    CONNECTING = auto()
    WORKING = auto()
    COMMITTING = auto()


class _Tries:
    """What has happened so far to one transaction."""

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = breaker
        self.stage = _Stage.CONNECTING
        self.failed = 0
        self._in_doubt = False
        self._begun = time.monotonic()

    def another(self, fault: Fault, reason: object) -> bool:
        """Take in how a try failed, and return whether there should be another."""
        self.failed += 1
        self._in_doubt |= self.stage is _Stage.COMMITTING and fault is not Fault.CONFLICT
        late = time.monotonic() - self._begun > RETRY_WINDOW_SECONDS
        # A connection that breaks while it is made may have been killed: the next one tells.
        first = self.failed == 1 and not self.breaker.is_open
        unreachable = self.stage is _Stage.CONNECTING and not first
        away = fault is Fault.GONE and (late or unreachable)
        if away:
            self.breaker.opened_by(reason)
        refused = fault is Fault.EXHAUSTED or (fault is Fault.READ_ONLY and self.failed > 1)
        if refused:
            self.breaker.refused_because(reason)
        return not (away or late or refused or self.failed == MAX_TRIES)

    def given_up(self, error: Exception) -> UnavailableError:
        """Return what to tell whoever asked for the transaction."""
        if self._in_doubt:
            return OutcomeUnknownError("the database has not said whether it committed")
        if isinstance(error, UnavailableError):
            return error
        cause = type(getattr(error, "orig", None) or error).__name__
        return UnavailableError(f"the database cannot be used at the moment ({cause})")
