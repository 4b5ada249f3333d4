"""The index of a user's orders."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_orders_user", "orders", ["user_id", "id"])


def downgrade() -> None:
    op.drop_index("ix_orders_user", "orders")
