"""The orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

moment = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql")
digest = sa.LargeBinary(32).with_variant(mysql.BINARY(32), "mysql")
order_id = sa.String(64).with_variant(
    mysql.VARCHAR(64, charset="ascii", collation="ascii_bin"), "mysql"
)
user_id = sa.String(64).with_variant(
    mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin"), "mysql"
)


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("order_id", order_id, nullable=False),
        sa.Column("user_id", user_id, nullable=False),
        sa.Column("item_ids", sa.JSON, nullable=False),
        sa.Column("total_amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("status", sa.String(10), nullable=False, server_default="PENDING"),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("solo", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("owner_id", sa.BigInteger),
        sa.Column(
            "available_at", moment, nullable=False, server_default="2000-01-01 00:00:00.000000"
        ),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("completed_at", moment),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("last_error", sa.String(500)),
        sa.Column("idempotency_hash", digest),
        sa.Column("request_hash", digest, nullable=False),
        sa.UniqueConstraint("order_id", name="uq_orders_order_id"),
        sa.UniqueConstraint("idempotency_hash", name="uq_orders_idempotency_hash"),
        sa.CheckConstraint(
            "status IN ('PENDING', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')",
            name="order_status",
        ),
        sa.CheckConstraint(
            "status <> 'PENDING' OR completed_at IS NULL", name="pending_is_not_ended"
        ),
        sa.CheckConstraint(
            "status <> 'PROCESSING' OR "
            "(started_at IS NOT NULL AND owner_id IS NOT NULL AND completed_at IS NULL)",
            name="processing_has_an_owner",
        ),
        sa.CheckConstraint(
            "status <> 'COMPLETED' OR (started_at IS NOT NULL AND completed_at IS NOT NULL)",
            name="completed_has_its_times",
        ),
        sa.CheckConstraint(
            "status NOT IN ('FAILED', 'CANCELLED') OR completed_at IS NOT NULL",
            name="an_end_has_its_time",
        ),
        sa.CheckConstraint(
            "created_at <= started_at AND started_at <= completed_at", name="times_are_in_order"
        ),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
    )


def downgrade() -> None:
    op.drop_table("orders")
