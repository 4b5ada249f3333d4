"""What a server's settings say of what it is given: one that loses some is no place for orders."""

from typing import Final

from sqlalchemy.engine.interfaces import DBAPICursor

_SETTINGS: Final = {
    "mysql": {
        "innodb_flush_log_at_trx_commit": ("@@innodb_flush_log_at_trx_commit", {"1"}),
        # Where there is a binary log, recovery rolls back what is not in it.
        "sync_binlog": ("IF(@@log_bin, @@sync_binlog, 1)", {"1"}),
    },
    "postgresql": {
        "synchronous_commit": (
            "current_setting('synchronous_commit')",
            {"on", "local", "remote_write", "remote_apply"},
        ),
        "fsync": ("current_setting('fsync')", {"on"}),
        # Another has not got every letter, or counts bytes.
        "server_encoding": ("current_setting('server_encoding')", {"UTF8"}),
    },
}
"""By dialect: the settings that decide whether an order is kept, how to ask, what they may be."""


def what_endangers(cursor: DBAPICursor, dialect: str) -> str | None:
    """Return a sentence on what keeps this session's orders from being safe; None if nothing does.

    Args:
        cursor: Of a connection to the server.
        dialect: `mysql` or `postgresql`.

    """
    settings = _SETTINGS[dialect]
    cursor.execute("SELECT " + ", ".join([expression for expression, _ in settings.values()]))
    (values,) = cursor.fetchall()
    for (name, (_, safe)), value in zip(settings.items(), values, strict=True):
        if str(value) not in safe:
            needed = " or ".join(sorted(safe))
            return f"the server runs with {name} = {value}; orders are safe only with {needed}"
    return None
