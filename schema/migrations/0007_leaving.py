"""People may leave, and a wallet may be frozen for what leaves it alone."""

from app.migrations import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns, replace the functions; the SQL beside this file is the text to read."""
    for name in ("0007_closing", "0007_freezing", "0007_groups"):
        run_sql(name)
