"""The ledger, the people, and what the app's role may do with them."""

from app.migrations import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make everything; the SQL beside this file is the text to read."""
    for name in ("0001_ledger", "0001_ledger_functions", "0001_people", "0001_privileges"):
        run_sql(name)
