"""The contracts are exported from the code and the database, the same from every PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.commands import tables
from app.commands.tables import HEADER, normalised
from app.devdb import DevDatabaseError
from app.errors import SettingError

if TYPE_CHECKING:
    from app.devdb import Programs
    from tests.commands.conftest import Operator
    from tests.conftest import Database


def test_the_api_is_exported_unless_the_tables_are_asked_for(operator: Operator) -> None:
    assert "type Query" in operator.says("schema export")
    assert operator.says("schema export --sdl") == operator.says("schema export")
    assert "type Query" in operator.json("schema export")["sdl"]


def test_the_tables_are_exported(operator: Operator) -> None:
    said = operator.says("schema export --tables")
    assert said.startswith(HEADER)
    assert "CREATE TABLE ledger.transfers (" in said
    assert operator.json("schema export --tables") == {"tables": said}


def test_differences_between_versions_of_postgresql_are_left_out() -> None:
    dump = r"""--
-- PostgreSQL database dump
--

\restrict 3bXk

-- Dumped by pg_dump version 18.1

SET statement_timeout = 0;
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);


CREATE TABLE a (
    SETTINGS text
);



--
-- Name: b; Type: TABLE; Owner: -
--

CREATE TABLE b ();


\unrestrict 3bXk
"""
    assert normalised(dump) == HEADER + "\nCREATE TABLE a (\n    SETTINGS text\n);\n\nCREATE TABLE b ();\n"


def test_a_pg_dump_that_is_older_than_the_server_is_skipped(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    monkeypatch.setattr(tables, "_server_major", lambda _url: 999)
    with pytest.raises(SettingError, match="There is no pg_dump of PostgreSQL 999 or newer here"):
        tables.tables_text(database.owner_url)


def test_without_any_pg_dump_the_operator_is_told_to_install_one(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_at_all(**_named: object) -> Programs:
        raise DevDatabaseError("none")

    monkeypatch.setattr(tables, "find_programs", none_at_all)
    monkeypatch.setattr("shutil.which", lambda _name: None)
    told = operator.is_refused("schema export --tables", code=2)
    assert told.endswith("or newer here. Install PostgreSQL's client programs.")


def test_a_pg_dump_that_fails_gives_its_reason(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_server_major", lambda _url: 15)
    with pytest.raises(SettingError, match=r"pg_dump failed: .*does not exist"):
        tables.tables_text(database.owner_url.replace(database.name, "no_such_database"))
