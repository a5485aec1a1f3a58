"""The head of each chain of operator receipts, in which a receipt names the one before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import Big

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "receipt_chains",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("number", Big, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_receipt_chains"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("receipt_chains")
