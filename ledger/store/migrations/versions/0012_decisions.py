"""Unattended decisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import BIG

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "decisions",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("item", sa.String(24), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("checked", BIG, nullable=False),
        sa.PrimaryKeyConstraint("reference", name="pk_decisions"),
    )
    op.create_index("ix_decisions_checked", "decisions", ["checked"])
