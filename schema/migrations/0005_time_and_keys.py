"""Time goes forward in an account, a key answers its payer alone, and a balance has an end."""

from app.migrations import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns and replace the functions; the SQL beside this file is the text to read."""
    for name in ("0005_time_and_keys", "0005_groups"):
        run_sql(name)
