"""The tables. Every index is paid for at every transition, so there are few."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Enum,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    text,
)

from app.database import BigId, Hash, UtcDateTime, case_sensitive, db
from app.orders.lifecycle import FOREVER_DUE, Hint, OrderStatus

order_status = Enum(
    OrderStatus, native_enum=False, length=10, create_constraint=True, name="order_status"
)

# CHECKs tie the state to its times, so that no statement can forget one.
_STATE_HAS_ITS_TIMES: Final = {
    "pending_is_not_ended": "status <> 'PENDING' OR completed_at IS NULL",
    "processing_has_an_owner": (
        "status <> 'PROCESSING' OR "
        "(started_at IS NOT NULL AND owner_id IS NOT NULL AND completed_at IS NULL)"
    ),
    "completed_has_its_times": (
        "status <> 'COMPLETED' OR (started_at IS NOT NULL AND completed_at IS NOT NULL)"
    ),
    "an_end_has_its_time": ("status NOT IN ('FAILED', 'CANCELLED') OR completed_at IS NOT NULL"),
    "times_are_in_order": "created_at <= started_at AND started_at <= completed_at",
}

orders = Table(
    "orders",
    db.metadata,
    Column("id", BigId, primary_key=True),
    Column("order_id", case_sensitive(64, charset="ascii"), nullable=False, unique=True),
    Column("user_id", case_sensitive(64), nullable=False),
    Column("item_ids", JSON, nullable=False),
    Column("total_amount", Numeric(12, 2), nullable=False),
    Column("status", order_status, nullable=False, server_default=OrderStatus.PENDING),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("solo", Boolean, nullable=False, server_default=text("false")),
    Column("owner_id", BigInteger),
    # To the microsecond, as every bound date: SQLite compares dates as text.
    Column(
        "available_at",
        UtcDateTime,
        nullable=False,
        server_default=FOREVER_DUE.isoformat(" ", "microseconds"),
    ),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("completed_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("last_error", String(500)),
    Column("idempotency_hash", Hash, unique=True),
    Column("request_hash", Hash, nullable=False),
    Index("ix_orders_sweep", "status", "available_at", "id"),
    Index("ix_orders_user", "user_id", "id"),
    *(CheckConstraint(rule, name=name) for name, rule in _STATE_HAS_ITS_TIMES.items()),
)

HINT_COLUMNS: Final = [orders.c[name] for name in Hint._fields]
"""What a `Hint` is made of, in its order."""

attempts = Table(
    "attempts",
    db.metadata,
    Column("order_row_id", BigInteger, primary_key=True, autoincrement=False),
    # The order's fence while the attempt ran: what every attempt has of its own, also after a retry
    # by hand has set their number back.
    Column("fence", Integer, primary_key=True, autoincrement=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("error", String(500)),
)

workers = Table(
    "workers",
    db.metadata,
    Column("id", BigId, primary_key=True),
    Column("host", String(255), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started", BigInteger, nullable=False),
    Column("master_pid", Integer, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("version", String(32), nullable=False),
    Column("beat", BigInteger, nullable=False, server_default="0"),
    Column("beat_at", UtcDateTime, nullable=False),
    Column("state", SmallInteger, nullable=False, server_default="0"),
    Column("queue_length", Integer, nullable=False, server_default="0"),
    Column("current_order", String(64)),
    sqlite_autoincrement=True,  # an id is never given out again: it is what owns orders
)

counters = Table(
    "counters",
    db.metadata,
    Column("worker_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

samples = Table(
    "samples",
    db.metadata,
    Column("taken_at", BigInteger, primary_key=True, autoincrement=False),
    Column("totals", JSON, nullable=False),
)
