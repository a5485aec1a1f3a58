"""The database stores the ledger it belongs to, and the pepper of its API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of names."""
    op.create_table(
        "database_identity",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_database_identity")),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("database_identity")
