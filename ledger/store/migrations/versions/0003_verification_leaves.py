"""A verification lists the leaves of all certificates asked about, not at most one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the column hold any number of leaves."""
    op.execute(sa.text("ALTER TABLE verifications RENAME COLUMN leaf TO leaves"))


def downgrade() -> None:
    """Rename the column back; rows with several leaves get none."""
    op.execute(sa.text("UPDATE verifications SET leaves = NULL WHERE length(leaves) <> 32"))
    op.execute(sa.text("ALTER TABLE verifications RENAME COLUMN leaves TO leaf"))
