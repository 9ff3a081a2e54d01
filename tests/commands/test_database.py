"""`db upgrade` runs the missing migrations; `db check` says whether the database is behind, ready or ahead."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg2

from app import create_app, migrations, schema_version
from app.devdb import Cluster, find_programs
from app.devdb.folder import temporary_folder
from tests.commands.conftest import Operator
from tests.conftest import CLUSTER_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.settings import Settings
    from tests.conftest import Database


def _operator_of(settings: Settings, database: Database, *, owner: bool = True) -> Operator:
    owner_url = database.owner_url if owner else ""
    return Operator(create_app(replace(settings, database_url=database.app_url, database_owner_url=owner_url)).test_cli_runner())


def test_a_database_with_all_migrations_is_exit_code_0(operator: Operator) -> None:
    head = schema_version.head()
    assert operator.says("db check") == f"The database is at {head}, this release needs {head}: nothing to do.\n"
    assert operator.json("db check") == {"ready": True, "at": head, "needed": head}


def test_a_bare_database_is_behind_until_it_is_upgraded(settings: Settings, bare_database: Database) -> None:
    operator = _operator_of(settings, bare_database)
    head = schema_version.head()
    behind = operator.run("db check")
    assert (behind.exit_code, behind.stdout) == (
        1, f"The database is at no migration yet, this release needs {head}. Run `db upgrade`.\n",
    )
    told = operator.json("db upgrade")
    assert told["ran"][0] == "0001"
    assert told["at"] == head
    assert operator.says("db upgrade") == f"Nothing to do. The database is at {head}.\n"
    operator.says("db check")


def test_check_names_the_missing_migration(operator: Operator, database: Database) -> None:
    database.execute("UPDATE alembic_version SET version_num = '0000'")
    result = operator.run("db check --json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"ready": False, "at": "0000", "needed": schema_version.head()}


def test_functions_that_were_changed_by_hand_are_reported_and_restored(operator: Operator, database: Database) -> None:
    database.execute("DROP FUNCTION ledger.refund_transfer", role="payment_system_owner")
    head = schema_version.head()
    behind = operator.run("db check")
    assert (behind.exit_code, behind.stdout) == (
        1, f"The database is at {head}, but its ledger has other functions than this release. Run `db upgrade`.\n",
    )
    assert operator.json("db upgrade") == {"ran": ["ledger"], "at": head}
    assert operator.json("db check") == {"ready": True, "at": head, "needed": head}


def test_a_release_after_a_rollback_works_on_the_newer_database(operator: Operator, database: Database) -> None:
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    assert operator.json("db check")["ready"] is True
    assert operator.says("db upgrade") == "Nothing to do. The database is at 9999.\n"


def test_other_commands_say_what_a_bare_database_lacks(settings: Settings, bare_database: Database) -> None:
    operator = _operator_of(settings, bare_database)
    for command in ("users list", "ledger verify", "ledger trial-balance", "money issue alice 5 --reason x"):
        told = operator.is_refused(command, code=1)
        assert told == "The database lacks tables that this release needs. Run `db upgrade` first."


def test_an_upgrade_without_the_owners_address_says_which_setting_it_needs(settings: Settings, bare_database: Database) -> None:
    operator = _operator_of(settings, bare_database, owner=False)
    assert "Set DATABASE_OWNER_URL" in operator.is_refused("db upgrade", code=2)


def test_a_postgresql_without_the_roles_is_a_sentence_that_says_what_to_do(settings: Settings) -> None:
    with bare_cluster() as cluster:
        as_superuser = cluster.url("postgres", "postgres")
        lost = replace(settings, database_url=as_superuser, database_owner_url="")
        told = Operator(create_app(lost).test_cli_runner()).is_refused("db upgrade", code=2)
    assert told == (
        'This PostgreSQL lacks a role that the tables are for. Make both as README.md says under "On a database of your own".'
    )


def test_a_database_of_another_owner_is_a_sentence_that_says_what_to_do(settings: Settings) -> None:
    with bare_cluster() as cluster:
        cluster.run_sql("CREATE ROLE payment_system_owner LOGIN; CREATE ROLE payment_system LOGIN; CREATE DATABASE payment_system;")
        cluster.run_sql("\\connect payment_system\nREVOKE CREATE ON SCHEMA public FROM PUBLIC;")
        theirs = replace(settings, database_url=cluster.url(), database_owner_url=cluster.url(role="payment_system_owner"))
        told = Operator(create_app(theirs).test_cli_runner()).is_refused("db upgrade", code=2)
    assert told.startswith("This role may not make the tables. Set DATABASE_OWNER_URL to the database's address as the role that owns it;")


@contextmanager
def bare_cluster() -> Iterator[Cluster]:
    """A new PostgreSQL without our roles."""
    with temporary_folder() as folder, Cluster.create_or_open(folder / "data", find_programs(), durable=False) as cluster:
        cluster.start(CLUSTER_SETTINGS)
        yield cluster


def test_an_upgrade_does_not_wait_for_locks_but_says_try_again(
    settings: Settings, bare_database: Database
) -> None:
    operator = _operator_of(settings, bare_database)
    with psycopg2.connect(bare_database.owner_url.replace("+psycopg2", "")) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (migrations.MIGRATION_LOCK,))
        told = operator.is_refused("db upgrade", code=3)
    assert told == "Something else is using the tables, so nothing was changed. Try again in a moment."
    other.close()
