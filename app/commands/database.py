"""Owns `flask db …`: upgrading the database to what this release needs, and checking whether it is up to date."""

from __future__ import annotations

import click

from app import schema_version
from app.commands.command_context import command_context
from app.commands.exit_codes import ExitCode
from app.commands.failures import OperatorGroup
from app.commands.output import json_option, print_result
from app.database import transact

db = OperatorGroup("db", help="The shape of the database.")


@db.command("upgrade")
@json_option
def upgrade(*, as_json: bool) -> None:
    """Run the migrations that this database has not had, all or none. Uses DATABASE_OWNER_URL, or DATABASE_URL without one."""
    ran = _upgrade(command_context().owner_url) if _is_behind() else []
    at = _current()
    text = f"Ran {', '.join(ran)}." if ran else "Nothing to do."
    print_result(f"{text} The database is at {at}.", {"ran": ran, "at": at}, as_json=as_json)


@db.command("check")
@json_option
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> None:
    """Whether the database has had the migrations of this release. Exit code 1 if not."""
    found, head = _current(), schema_version.head()
    ready = not _is_behind()
    if ready:
        text = f"The database is at {found}, this release needs {head}: nothing to do."
    elif schema_version.is_compatible(found):
        text = f"The database is at {found}, but its ledger has other functions than this release. Run `db upgrade`."
    else:
        text = f"The database is at {found or 'no migration yet'}, this release needs {head}. Run `db upgrade`."
    print_result(text, {"ready": ready, "at": found, "needed": head}, as_json=as_json)
    context.exit(ExitCode.DONE if ready else ExitCode.NO)


def _upgrade(owner_url: str) -> list[str]:
    # Imported here: only this command needs Alembic, which takes a tenth of the start.
    from app import migrations

    return migrations.upgrade(owner_url)


def _is_behind() -> bool:
    return transact(command_context().sessions, lambda session: schema_version.is_behind(session.connection()))


def _current() -> str | None:
    # Not by CommandContext.transact, which checks the currency first: the tables may not exist yet.
    return transact(command_context().sessions, lambda session: schema_version.current(session.connection()))
