"""The functions of the ledger have a text of their own, which is run again when it changes."""

from app.migrations import run_sql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the table; the SQL beside this file is the text to read."""
    run_sql("0008_ledger_functions")
