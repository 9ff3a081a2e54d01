"""Owns installing the ledger's functions and triggers from `schema/ledger`, and checking whether they are up to date.

This is a repeatable migration: it has no number and runs again when its text changes. Numbered migrations are for tables.
Source: the documentation of Flyway, "Repeatable migrations".
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.database import run_as_written

if TYPE_CHECKING:
    from sqlalchemy import Connection

FOLDER: Final = Path(__file__).parent.parent / "schema" / "ledger"
# In this order: a trigger needs its function.
FILES: Final = ("accounts", "transfers", "groups", "checks")
# Names functions without their arguments, so there must be one function of each name.
PRIVILEGES: Final = "privileges"
NAME: Final = "ledger"

# The functions with their privileges, and the triggers, as PostgreSQL defines them. Sorted as bytes, independent of the language.
DEFINITIONS: Final = text("""
    SELECT sha256(convert_to(string_agg(definition, E'\\n' ORDER BY definition COLLATE "C"), 'UTF8'))
    FROM (
        SELECT pg_get_functiondef(oid) || coalesce(proacl::text, '') FROM pg_proc WHERE pronamespace = to_regnamespace('ledger')
        UNION ALL
        SELECT pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = to_regnamespace('ledger') AND NOT tgisinternal
    ) AS defined (definition)
""")
RAN: Final = text("SELECT text_sha256, definitions_sha256 FROM repeatable_migrations WHERE name = :name")
# Every transaction that moves money reads `users` first. So with this lock no transaction is inside a function that is replaced.
# Later requests wait and call the new function.
KEEP_OUT: Final = text("LOCK TABLE public.users IN ACCESS EXCLUSIVE MODE")
# A function that is written again gets another place in its table. One that keeps its place is in no file any more and is dropped.
FUNCTIONS: Final = text("""
    SELECT ctid::text AS place, format('DROP FUNCTION %s', oid::regprocedure) AS dropped FROM pg_proc
    WHERE pronamespace = to_regnamespace('ledger')
""")
NOTE: Final = text("""
    INSERT INTO repeatable_migrations (name, text_sha256, definitions_sha256) VALUES (:name, :text_sha256, :definitions_sha256)
    ON CONFLICT (name) DO UPDATE SET text_sha256 = excluded.text_sha256, definitions_sha256 = excluded.definitions_sha256,
        ran_at = clock_timestamp()
""")


def differ(connection: Connection) -> bool:
    """Whether the database has other functions and triggers than the files. The database must have all numbered migrations."""
    ran = connection.execute(RAN, {"name": NAME}).one_or_none()
    return ran is None or tuple(map(bytes, ran)) != (_text_digest(), _definitions(connection))


def replace(connection: Connection) -> None:
    """Install the functions and triggers in the caller's transaction, as the owner of the tables. Payments wait for its commit."""
    connection.execute(KEEP_OUT)
    before = {each.place for each in connection.execute(FUNCTIONS)}
    for name in FILES:
        run_as_written(connection, _read(name))
    for each in connection.execute(FUNCTIONS).all():
        if each.place in before:
            run_as_written(connection, each.dropped)
    run_as_written(connection, _read(PRIVILEGES))
    connection.execute(NOTE, {"name": NAME, "text_sha256": _text_digest(), "definitions_sha256": _definitions(connection)})


def _read(name: str) -> str:
    return (FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _text_digest() -> bytes:
    return hashlib.sha256("".join(map(_read, (*FILES, PRIVILEGES))).encode()).digest()


def _definitions(connection: Connection) -> bytes:
    return bytes(connection.scalar(DEFINITIONS) or b"")
