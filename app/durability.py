"""What a server's settings say of its COMMITs: one that forgets some is no database for orders."""

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
    },
}
"""By dialect: the settings that decide whether a COMMIT lasts, how to ask, and what they may be."""


def what_forgets(cursor: DBAPICursor, dialect: str) -> str | None:
    """Return a sentence on what keeps COMMITs of this session from lasting; None if nothing does.

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
            return f"the server runs with {name} = {value}; orders are durable only with {needed}"
    return None
