"""The first tables, before which nothing was released; `migrate` creates an empty database whole."""

revision = "0009"
down_revision = None


def upgrade() -> None:
    """Change nothing: no database is older."""
