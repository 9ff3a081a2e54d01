"""How often something may be tried, counted for all processes together."""

from app.migrations import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the table and its function; the SQL beside this file is the text to read."""
    run_sql("0003_throttles")
