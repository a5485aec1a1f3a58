"""Certificates that decisions rest on, and supervision cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from certledger.ledger.store.tables import BIG

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "decision_leaves",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("issuer", sa.String(18), nullable=False),
        sa.Column("index", BIG, nullable=False),
        sa.PrimaryKeyConstraint("reference", "leaf", name="pk_decision_leaves"),
    )
    op.create_index("ix_decision_leaves_issuer_index", "decision_leaves", ["issuer", "index"])
    op.create_table(
        "cases",
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("leaf", sa.LargeBinary(32), nullable=False),
        sa.Column("cause", sa.String(16), nullable=False),
        sa.Column("item", sa.String(24), nullable=False),
        sa.Column("party", sa.String(80), nullable=False),
        sa.Column("opened", BIG, nullable=False),
        sa.Column("block", BIG, nullable=False),
        sa.Column("closed", BIG, nullable=True),
        sa.Column("closed_by", sa.String(80), nullable=True),
        sa.Column("reason", sa.String(200), nullable=True),
        sa.PrimaryKeyConstraint("reference", "leaf", "cause", name="pk_cases"),
    )
    op.create_index("ix_cases_closed_opened", "cases", ["closed", "opened"])
