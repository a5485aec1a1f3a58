"""The first tables.  Nothing was released before them; `migrate` creates an empty database whole."""

revision = "0009"
down_revision = None


def upgrade() -> None:
    """Change nothing: no database is older."""
