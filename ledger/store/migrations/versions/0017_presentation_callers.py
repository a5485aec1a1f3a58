"""Who was shown a presentation, and may hand it in again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the column; of presentations before it no caller is known."""
    op.add_column(
        "presentations",
        sa.Column("caller", sa.String(80), nullable=False, server_default=""),
    )
