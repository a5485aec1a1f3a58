"""One row for each reorganisation that removed final blocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "reorganisations",
        sa.Column("number", BIG, nullable=False),
        *(sa.Column(name, BIG, nullable=False) for name in ("fork", "final", "head", "time")),
        sa.PrimaryKeyConstraint("number", name="pk_reorganisations"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("reorganisations")
