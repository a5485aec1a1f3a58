"""Each receipt of the operator's names the one before; a row of each kind names the last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import Big

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make room for the newest receipt of each kind."""
    op.create_table(
        "receipt_chains",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("number", Big, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_receipt_chains"),
    )


def downgrade() -> None:
    """Forget where the receipts end."""
    op.drop_table("receipt_chains")
