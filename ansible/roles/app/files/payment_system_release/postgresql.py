"""Owns PostgreSQL's settings: proving those of a release, having PostgreSQL run with them, and whether it does."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from payment_system_release.host import PROOF, FailedError, attempt, run
from payment_system_release.host_files import POSTGRESQL_SETTINGS, POSTGRESQL_VERSION, POSTGRESQL_WALL, differ, read
from payment_system_release.serving import is_active, start

if TYPE_CHECKING:
    from payment_system_release.content import Release

ACCOUNT: Final = "postgres"
RELOAD_SECONDS: Final = 10
# What is wrong in the files as they are now, whether PostgreSQL has read them or not; who may come, too. A setting that only a start
# reads is told of as one that cannot be applied now: of those `postgres -C` has told what is wrong.
WRONG: Final = """
    SELECT format('%s, line %s: %s', sourcefile, sourceline, error) FROM pg_file_settings
    WHERE error IS NOT NULL AND name NOT IN (SELECT name FROM pg_settings WHERE context = 'postmaster')
    UNION ALL SELECT format('%s, line %s: %s', current_setting('hba_file'), line_number, error) FROM pg_hba_file_rules
    WHERE error IS NOT NULL
    UNION ALL SELECT format('%s, line %s: %s', current_setting('ident_file'), line_number, error) FROM pg_ident_file_mappings
    WHERE error IS NOT NULL
"""
WAITING: Final = "SELECT count(*) FROM pg_settings WHERE pending_restart"
# The last file that names a setting decides. Of hba_file and ident_file PostgreSQL does not keep where they are said.
# Source: PostgreSQL's documentation, pg_file_settings.
IN_FORCE: Final = """
    WITH said AS (SELECT DISTINCT ON (name) name, sourcefile FROM pg_file_settings ORDER BY name, seqno DESC),
        ours AS (SELECT DISTINCT name FROM pg_file_settings WHERE sourcefile LIKE '%/conf.d/payment-system%'),
        other AS (SELECT name, sourcefile AS file FROM said JOIN ours USING (name) UNION
            SELECT name, coalesce(sourcefile, '') FROM pg_settings JOIN ours USING (name)
            WHERE NOT pending_restart AND source <> 'override')
    SELECT json_build_object(
        'overridden', (SELECT coalesce(json_agg(json_build_array(name, file)), '[]') FROM other
            WHERE file NOT LIKE '%/conf.d/payment-system%'),
        'pending', (SELECT coalesce(json_agg(name), '[]') FROM pg_settings WHERE pending_restart),
        'read_at', extract(epoch FROM pg_conf_load_time())::float)
"""
# What goes before every file, for our roles and our database. Source: PostgreSQL's documentation, pg_db_role_setting.
OF_ROLES: Final = """
    SELECT coalesce(json_agg(json_build_array(name, whose, format('ALTER %s RESET %I', whom, name))), '[]') FROM (
        SELECT split_part(unnest(setconfig), '=', 1) AS name,
            CASE WHEN setrole <> 0 THEN 'the role ' || setrole::regrole ELSE 'all roles' END
                || coalesce(' in the database ' || datname, '') AS whose,
            CASE WHEN setrole <> 0 THEN format('ROLE %I', rolname) WHEN setdatabase = 0 THEN 'ROLE ALL' ELSE '' END
                || CASE WHEN setdatabase = 0 THEN '' WHEN setrole <> 0 THEN format(' IN DATABASE %I', datname)
                    ELSE format('DATABASE %I', datname) END AS whom
        FROM pg_db_role_setting LEFT JOIN pg_roles ON pg_roles.oid = setrole LEFT JOIN pg_database ON pg_database.oid = setdatabase
        WHERE (setrole = 0 OR rolname IN ('payment_system', 'payment_system_owner')) AND (setdatabase = 0 OR datname = 'payment_system')
    ) AS each
"""
READ_AT: Final = "SELECT pg_conf_load_time()"


def prove(release: Release) -> None:
    """Whether PostgreSQL can use the settings at all, by asking its program; the one that runs notices nothing. Raises: FailedError."""
    version = read(release, POSTGRESQL_VERSION).decode().strip()
    settings = PROOF / "postgresql.conf"
    included = (Path("/etc/postgresql", version, "main/postgresql.conf"), *map(release.host_file, POSTGRESQL_SETTINGS[:2]))
    settings.write_text("".join(f"include '{path}'\n" for path in included), encoding="utf-8")
    program = Path("/usr/lib/postgresql", version, "bin/postgres")
    checked = attempt(["runuser", "-u", ACCOUNT, "--", program, f"--config-file={settings}", "-C", "max_connections"])
    if checked.returncode:
        # The first line is the cause, the last one says that there was one.
        cause = next((line.partition("LOG:")[2].strip() for line in checked.stderr.splitlines() if "LOG:" in line), checked.stderr.strip())
        raise FailedError(f"PostgreSQL cannot use the settings of the new release: {cause}.")


def have_in_force(release: Release | None, before: Release | None) -> None:
    """Have PostgreSQL run with the settings of this release, started anew only for those that a start reads.

    Args:
        release: to which `current` leads; with none, Debian's own settings are meant.
        before: what it ran with until now, if that is known.

    Raises: FailedError with what is wrong in them.
    """
    version = (read(release, POSTGRESQL_VERSION) or read(before, POSTGRESQL_VERSION)).decode().strip()
    if not version:
        return
    unit = f"postgresql@{version}-main.service"
    if not is_active(unit) or differ(release, before, POSTGRESQL_WALL):
        start(unit)
    elif differ(release, before, *POSTGRESQL_SETTINGS):
        _check_files()
        _reload(unit)
    if _ask(WAITING) != "0":
        start(unit)
    _check_files()
    if _ask(WAITING) != "0":
        raise FailedError(f"PostgreSQL did not take up all of its settings when {unit} was started: its table pg_settings says which.")


def take_up(release: Release, *, anew: bool) -> None:
    """Have PostgreSQL read its settings now, or start anew. Raises: FailedError with what is wrong in them."""
    unit = f"postgresql@{read(release, POSTGRESQL_VERSION).decode().strip()}-main.service"
    if anew or not is_active(unit):
        start(unit)
    else:
        _check_files()
        _reload(unit)
    if _ask(WAITING) != "0":
        start(unit)
    _check_files()


def in_force() -> tuple[list[tuple[str, str]], list[str], float]:
    """What PostgreSQL goes by: settings of ours that another file says, each with that file, those that wait for a start, and when it read.

    Raises: FailedError when it does not answer.
    """
    found = json.loads(_ask(IN_FORCE))
    return [(name, file) for name, file in found["overridden"]], found["pending"], found["read_at"]


def of_roles() -> list[tuple[str, str, str]]:
    """Settings that are said for our roles or database: each with whose it is and the statement that takes it back.

    Raises: FailedError when PostgreSQL does not answer.
    """
    return [(name, whose, statement) for name, whose, statement in json.loads(_ask(OF_ROLES))]


def reset(name: str) -> None:
    """Forget what `ALTER SYSTEM` said of a setting."""
    # ast-grep-ignore: sql-put-together - the name is PostgreSQL's own, of its table pg_file_settings
    _ask(f"ALTER SYSTEM RESET {name}")


def take_back(statement: str) -> None:
    """Carry out a statement that PostgreSQL itself put together (`of_roles`)."""
    _ask(statement)


def _check_files() -> None:
    wrong = _ask(WRONG)
    if wrong:
        raise FailedError(f"PostgreSQL cannot use the settings of the release: {wrong.splitlines()[0]}.")


def _reload(unit: str) -> None:
    """Have it read its files, and wait until it has: a connection knows what was read when it was made."""
    before = _ask(READ_AT)
    run(["systemctl", "reload", unit], why="PostgreSQL does not read its settings")
    end = time.monotonic() + RELOAD_SECONDS
    while _ask(READ_AT) == before:
        if time.monotonic() > end:
            raise FailedError(f"PostgreSQL did not read its settings within {RELOAD_SECONDS} s: `journalctl -u {unit}` may say why.")
        time.sleep(0.05)


def _ask(question: str) -> str:
    """As the account of PostgreSQL itself, which Debian's own settings let in, too."""
    program = ["runuser", "-u", ACCOUNT, "--", "psql", "--no-psqlrc", "--no-align", "--tuples-only", "--dbname=postgres"]
    return run([*program, "--command", question], why="PostgreSQL does not answer").strip()
