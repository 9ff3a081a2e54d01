"""Owns `flask schema …`: the contracts of `schema/`, printed from what is really there."""

from __future__ import annotations

import click

from app.commands.answers import answer, json_option
from app.commands.desk import desk
from app.commands.failures import OperatorGroup
from app.commands.tables import tables_text

schema = OperatorGroup("schema", help="The contracts: the public API and the tables.")


@schema.command("export")
@click.option("--sdl", "what", flag_value="sdl", default="sdl", help="The API, as schema/schema.graphql has it (the default).")
@click.option("--tables", "what", flag_value="tables", help="The database, as schema/tables.sql has it; needs pg_dump.")
@json_option
def export(what: str, *, as_json: bool) -> None:
    """Print the API's schema, or the tables of the database."""
    text = tables_text(desk().owner_url) if what == "tables" else desk().schema_text()
    answer(text.rstrip("\n"), {what: text}, as_json=as_json)
