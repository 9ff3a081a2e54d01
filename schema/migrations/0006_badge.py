"""A badge that tells people which account is the operator's."""

from app.migrations import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; the SQL beside this file is the text to read."""
    run_sql("0006_badge")
