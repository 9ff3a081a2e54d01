"""Owns `flask schema …`: prints the contracts of `schema/` from the code and the database."""

from __future__ import annotations

import click

from app.commands.command_context import command_context
from app.commands.failures import OperatorGroup
from app.commands.output import json_option, print_result
from app.commands.tables import tables_text

schema = OperatorGroup("schema", help="The contracts: the public API and the tables.")


@schema.command("export")
@click.option("--sdl", "what", flag_value="sdl", default="sdl", help="The API, as schema/schema.graphql has it (the default).")
@click.option("--tables", "what", flag_value="tables", help="The database, as schema/tables.sql has it; needs pg_dump.")
@json_option
def export(what: str, *, as_json: bool) -> None:
    """Print the API's schema, or the tables of the database."""
    text = tables_text(command_context().owner_url) if what == "tables" else command_context().schema_text()
    print_result(text.rstrip("\n"), {what: text}, as_json=as_json)
