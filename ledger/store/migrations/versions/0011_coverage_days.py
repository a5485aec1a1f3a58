"""Figures of each day, and the index by which a counter's last question is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Create both."""
    op.create_table(
        "coverage_days",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_coverage_days"),
    )
    op.create_index("ix_verifications_party_checked", "verifications", ["party", "checked"])
