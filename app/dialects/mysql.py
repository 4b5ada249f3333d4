"""MySQL and MariaDB by PyMySQL."""

from typing import Any, Final

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import Engine, event
from sqlalchemy.engine import URL

from app.dialects.limits import (
    IDLE_CONNECTION_SECONDS,
    IDLE_TRANSACTION_SECONDS,
    LOCK_SECONDS,
    SOCKET_SECONDS,
    STATEMENT_SECONDS,
)
from app.durability import Durability, refuse_unsafe
from app.faults import Fault

LOOPBACK: Final = frozenset({None, "localhost", "127.0.0.1", "::1"})
_DURABILITY: Final[Durability] = {
    "innodb_flush_log_at_trx_commit": ("@@innodb_flush_log_at_trx_commit", {"1"}),
    # Where there is a binary log, recovery rolls back what is not in it.
    "sync_binlog": ("IF(@@log_bin, @@sync_binlog, 1)", {"1"}),
}
_FAULTS: Final = {
    Fault.CONFLICT: {1020, 1205, 1213},
    Fault.GONE: {0, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2006}
    | {2013, 2014, 2026, 2055, 4031, 4166},
    Fault.READ_ONLY: {1290, 1836},
    Fault.EXHAUSTED: {3, 28, 1021, 1023, 1026, 1030, 1040, 1114, 1129, 1203}
    | {1226, 1317, 1969, 3024},
}
"""By the number of an error."""


def engine_options(url: URL) -> dict[str, Any]:
    """Return how to connect, and the isolation level."""
    return {
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            # PyMySQL reads all of the machine's certificates for each connection (20 ms); to one's
            # own machine there is nothing to encrypt.
            "ssl_disabled": url.host in LOOPBACK and not any("ssl" in key for key in url.query),
            "connect_timeout": LOCK_SECONDS,
            "read_timeout": SOCKET_SECONDS,
            "write_timeout": SOCKET_SECONDS,
            "charset": "utf8mb4",
            # The first is SQLAlchemy's own, without which an UPDATE counts what it changes.
            "client_flag": CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
        },
    }


def prepare(engine: Engine) -> None:
    """Have sessions strict, in UTC, bounded in time, on a server that keeps what it commits."""
    event.listen(engine, "connect", _set_up)
    refuse_unsafe(engine, _DURABILITY)


def diagnose(error: BaseException | None) -> Fault | None:
    """Return what PyMySQL's error means for trying again; None if it would come back."""
    if not isinstance(error, pymysql.Error):
        return None
    number = error.args[0] if error.args else 0
    return next((fault for fault, numbers in _FAULTS.items() if number in numbers), None)


def _set_up(connection: "pymysql.Connection[Any]", _record: object) -> None:
    settings = {
        "time_zone": "'+00:00'",
        "sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
        "innodb_lock_wait_timeout": LOCK_SECONDS,
    }
    if "MariaDB" in connection.get_server_info():  # type: ignore[no-untyped-call]  # the stubs' gap
        settings["max_statement_time"] = STATEMENT_SECONDS
        settings["idle_write_transaction_timeout"] = IDLE_TRANSACTION_SECONDS
    else:
        settings["max_execution_time"] = STATEMENT_SECONDS * 1000
        settings["wait_timeout"] = IDLE_CONNECTION_SECONDS
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION " + ", ".join(f"{k} = {v}" for k, v in settings.items()))
