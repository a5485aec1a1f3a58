"""Unattended decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import Big

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "decisions",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("item", sa.String(24), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("checked", Big, nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_decisions"),
    )
    op.create_index("ix_decisions_checked", "decisions", ["checked"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("decisions")
