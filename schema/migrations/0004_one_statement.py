"""A transfer and its entries in one statement."""

from app.migrations import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Replace the functions and the check; the SQL beside this file is the text to read."""
    run_sql("0004_one_statement")
