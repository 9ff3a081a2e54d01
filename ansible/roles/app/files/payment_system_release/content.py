"""Owns what a release is: its program, virtual environment, settings and files for the host, in a folder named after all of them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from payment_system_release.host import CURRENT, HOST_FOLDER, INCOMING, PREVIOUS, RELEASES, ROOT, STANDBY, USER, FailedError, attempt, run
from payment_system_release.manifest import write_manifest

if TYPE_CHECKING:
    import subprocess  # nosec B404 # for the type of an answer alone
    from collections.abc import Iterator

ID_CHARACTERS = 12
# Compiled programs tell by their content, not by a time, what they were made of. Source: Python's documentation, py_compile.
SAME_EACH_TIME = {"SOURCE_DATE_EPOCH": "0"}
SETTINGS = ".env"
FREE_BYTES = 500_000_000
# PostgreSQL lets root be the owner of the tables.
OWNER_URL = "postgresql://payment_system_owner@/payment_system?host=/run/postgresql"
# Debian keeps pip as a wheel for its `venv`; run from there, it stays out of what serves.
PIP_FOLDER = Path("/usr/share/python-wheels")


@dataclass(frozen=True)
class Release:
    """A release on this host."""

    id: str

    @property
    def folder(self) -> Path:
        """Where it is, whole, or not at all."""
        return RELEASES / self.id

    def host_file(self, name: str) -> Path:
        """Where one of the files is that the host reads (host_files.py)."""
        return self.folder / HOST_FOLDER / name

    @property
    def domain(self) -> str:
        """The name under which it is reached, the first if there are several; empty when it answers to any."""
        found = re.search(r"^PAYMENT_SYSTEM_HOSTS=\"?([^,\"\s]+)", (self.folder / SETTINGS).read_text(encoding="utf-8"), re.MULTILINE)
        return found[1] if found else ""

    @property
    def certificate(self) -> Path | None:
        """The certificate that its proxy shows."""
        path = self.host_file("nginx.conf")
        found = re.search(r"^ *ssl_certificate (\S+);", path.read_text(encoding="utf-8"), re.MULTILINE) if path.is_file() else None
        return Path(found[1]) if found else None

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What became of its Python, run as the service's user with the release's own settings."""
        return attempt(["runuser", "-u", USER, "--", self.folder / "venv/bin/python", *arguments], folder=self.folder,
                       settings={"PYTHONDONTWRITEBYTECODE": "1"})

    def upgrade_tables(self) -> subprocess.CompletedProcess[str]:
        """What became of its migrations, run as root, who may be the owner of the tables."""
        command = [str(self.folder / "venv/bin/python"), "-m", "flask", "--app", "app.commands.program", "db", "upgrade"]
        return attempt(command, folder=self.folder,
                       settings={"FLASK_SKIP_DOTENV": "1", "PYTHONDONTWRITEBYTECODE": "1", "DATABASE_URL": OWNER_URL})


def led_to(link: Path) -> Release | None:
    """The release that a link leads to, if it does."""
    return Release(link.resolve().name) if link.exists() else None


def made_of(program: Path, wheels: Path, configuration: dict[str, str]) -> Release:
    """The release of this content. The same content is the same release; a changed unit is a changed release, too."""
    content = f"{program.name} {wheels.name} {json.dumps(configuration, sort_keys=True)}"
    return Release(hashlib.sha256(content.encode()).hexdigest()[:ID_CHARACTERS])


def unpack(release: Release, program: Path, wheels: Path, configuration: dict[str, str]) -> bool:
    """Have the release's folder be there. Returns whether it was made now. Raises: FailedError; then there is no such folder."""
    if release.folder.exists():
        return False
    if shutil.disk_usage(ROOT).free < FREE_BYTES:
        raise FailedError(f"Less than {FREE_BYTES // 1_000_000} MB are free under {ROOT}: make room, then try again.")
    with unpacked(release, program, wheels, configuration) as partial:
        run(["sync", "--file-system", partial], why="The disk does not keep the release")
        partial.rename(release.folder)
    return True


@contextmanager
def unpacked(release: Release, program: Path, wheels: Path, configuration: dict[str, str]) -> Iterator[Path]:
    """A folder with all that the release consists of, gone after the block unless it was moved. Raises: FailedError."""
    os.umask(0o022)
    partial = RELEASES / f"{release.id}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _fill(partial, release, program, wheels, configuration)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(partial: Path, release: Release, program: Path, wheels: Path, configuration: dict[str, str]) -> None:
    # With the time of now: of a file of the same size and time, the proxy would tell browsers that it is the one they have.
    run(["tar", "--extract", "--gzip", "--touch", "--no-same-owner", "--file", program, "--directory", partial],
        why="The program cannot be unpacked")
    (partial / "wheels").mkdir()
    run(["tar", "--extract", "--no-same-owner", "--file", wheels, "--directory", partial / "wheels"], why="The wheels cannot be unpacked")
    python = partial / "venv/bin/python"
    run(["python3", "-m", "venv", "--without-pip", partial / "venv"], why="No virtual environment can be made")
    pip = max(PIP_FOLDER.glob("pip-*.whl"), default=None)
    if pip is None:
        raise FailedError(f"There is no pip in {PIP_FOLDER}: install python3-venv.")
    run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-cache-dir", "--no-index",
         "--find-links", partial / "wheels", "--require-hashes", "--no-deps", "--requirement", partial / "requirements.txt"],
        why="The wheels cannot be installed", settings={"PYTHONPATH": str(pip), **SAME_EACH_TIME})
    shutil.rmtree(partial / "wheels")
    run([python, "-m", "compileall", "-q", "-s", partial, "-p", release.folder, "app", "schema", "gunicorn.conf.py"],
        why="The program is not Python", folder=partial, settings=SAME_EACH_TIME)
    settings = partial / SETTINGS
    settings.touch(0o640)
    for name, content in configuration.items():
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        before = CURRENT / name
        # Who has read a file of the same content has read this one.
        if before.is_file() and before.read_bytes() == path.read_bytes():
            os.utime(path, ns=(before.stat().st_atime_ns, before.stat().st_mtime_ns))
    with settings.open("a", encoding="utf-8") as file:
        file.write(f"PAYMENT_SYSTEM_RELEASE_ID={release.id}\n")
    shutil.chown(settings, "root", USER)
    write_manifest(partial)


def forget_others(*kept: Path) -> None:
    """Remove what other deploys sent; what somebody keeps elsewhere is theirs."""
    for sent in {*INCOMING.glob("*.tar*"), *INCOMING.glob("*.json"), *INCOMING.glob("*.env")} - {*kept}:
        sent.unlink()


def prune(keep: int) -> list[str]:
    """Remove the oldest releases until so many are left; never one that is in use or may be gone back to. Returns their ids."""
    in_use = {release for release in map(led_to, (CURRENT, PREVIOUS, STANDBY)) if release}
    # The links' own times tell nothing: a folder's is when it last began to serve.
    by_age = sorted((path for path in RELEASES.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime, reverse=True)
    gone = [path for path in by_age[keep:] if Release(path.name) not in in_use]
    for path in gone:
        shutil.rmtree(path)
    return [path.name for path in gone]
