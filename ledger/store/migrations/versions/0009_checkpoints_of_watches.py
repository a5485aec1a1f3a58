"""The block of the checkpoint at which the status of a watched certificate was sent last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import Big

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("watches", sa.Column("block", Big, nullable=True))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("watches", "block")
