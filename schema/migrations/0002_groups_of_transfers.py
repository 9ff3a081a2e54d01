"""Many transfers in one call."""

from app.migrations import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the function; the SQL beside this file is the text to read."""
    run_sql("0002_post_transfers")
