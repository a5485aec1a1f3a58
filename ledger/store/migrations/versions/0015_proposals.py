"""Acts that wait for signatures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import BIG

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "proposals",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("subject", sa.String(18), nullable=False),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("created", BIG, nullable=False),
        sa.Column("not_after", BIG, nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_proposals"),
    )
    op.create_index("ix_proposals_created", "proposals", ["created"])
