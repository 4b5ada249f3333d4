"""The index of the sweep."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_sweep", "orders", ["status", "available_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_orders_sweep", "orders")
