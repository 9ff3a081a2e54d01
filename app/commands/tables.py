"""Owns the text of `schema/tables.sql`: the database as pg_dump prints it, without what differs between versions of PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # nosec B404 # that it starts programs is looked at where it does
from typing import TYPE_CHECKING, Final

from sqlalchemy import NullPool, create_engine, make_url, text

from app.devdb import DevDatabaseError, find_programs
from app.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

DUMP_LIMIT_SECONDS: Final = 60
HEADER: Final = """\
-- The database after all migrations, for readers. Nothing runs this file: schema/migrations makes the tables.
-- Made by `flask schema export --tables`; a test compares the two.
"""
# What pg_dump prints about itself and its session: comments, SET lines, and the key against injected meta-commands (since 2025).
NOISE: Final = re.compile(r"--|SET |SELECT pg_catalog\.set_config|\\restrict|\\unrestrict")


def tables_text(owner_url: str) -> str:
    """The tables, constraints, indexes, functions, triggers and privileges of this database. PostgreSQL 15 to 18 give the same text.

    Raises: SettingError if no pg_dump is at least as new as the server, or if it fails.
    """
    url = make_url(owner_url)
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    # The password is never on the command line, which anyone on the machine can read.
    address = url.set(drivername="postgresql", password=None).render_as_string()
    command = [_pg_dump_for(_server_major(owner_url)), "--schema-only", "--no-owner", f"--dbname={address}"]
    done = subprocess.run(  # nosec B603 # no shell; a pg_dump that is installed here
        command, check=False, capture_output=True, text=True, encoding="utf-8", timeout=DUMP_LIMIT_SECONDS,
        env={**os.environ, **password},
    )
    if done.returncode != 0:
        raise SettingError(f"pg_dump failed: {done.stderr.strip().splitlines()[0] if done.stderr.strip() else 'without a word'}")
    return normalised(done.stdout)


def normalised(dump: str) -> str:
    """pg_dump's output without the noise, its parts separated by one empty line, below our header."""
    kept = "\n".join(line for line in dump.splitlines() if not NOISE.match(line))
    body = re.sub(r"\n{2,}", "\n\n", kept).strip()
    return f"{HEADER}\n{body}\n"


def _server_major(owner_url: str) -> int:
    with create_engine(owner_url, poolclass=NullPool).connect() as connection:
        number: int = connection.execute(text("SELECT current_setting('server_version_num')::integer")).scalar_one()
    return number // 10_000


def _pg_dump_for(server_major: int) -> str:
    for program in _pg_dumps(server_major):
        answer = subprocess.run(  # nosec B603 # no shell; a pg_dump that is installed here
            [program, "--version"], check=False, capture_output=True, text=True, timeout=DUMP_LIMIT_SECONDS,
        )
        version = re.search(r"(\d+)", answer.stdout)
        # pg_dump refuses to read a newer server.
        if version and int(version[1]) >= server_major:
            return program
    raise SettingError(f"There is no pg_dump of PostgreSQL {server_major} or newer here. Install PostgreSQL's client programs.")


def _pg_dumps(server_major: int) -> Iterator[str]:
    on_path = shutil.which("pg_dump")
    if on_path:
        yield on_path
    try:
        program = shutil.which(find_programs(major=server_major).path("pg_dump"))
    except DevDatabaseError:
        return
    if program:
        yield program
