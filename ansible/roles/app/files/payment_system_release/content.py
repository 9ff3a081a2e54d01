"""Owns what a release is: its program, settings and files for the host, and a link to its environment, in a folder named after all."""

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

from payment_system_release.environment import SAME_EACH_TIME, VENV, environment, prune_environments
from payment_system_release.host import CURRENT, HOST_FOLDER, INCOMING, PREVIOUS, RELEASES, ROOT, STANDBY, USER, FailedError, attempt, run
from payment_system_release.manifest import write_manifest

if TYPE_CHECKING:
    import subprocess  # nosec B404 # for the type of an answer alone
    from collections.abc import Iterator

ID_CHARACTERS = 12
SETTINGS = ".env"
REQUIREMENTS = "requirements.txt"
VERSION = "app/version.py"
FREE_BYTES = 500_000_000
# PostgreSQL lets root be the owner of the tables.
OWNER_URL = "postgresql://payment_system_owner@/payment_system?host=/run/postgresql"


@dataclass(frozen=True)
class Release:
    """A release on this host."""

    id: str

    @property
    def folder(self) -> Path:
        """Where it is, whole, or not at all."""
        return RELEASES / self.id

    @property
    def environment(self) -> Path:
        """Where its virtual environment is, which it may share with others."""
        return (self.folder / VENV).resolve()

    def host_file(self, name: str) -> Path:
        """Where one of the files is that the host reads (host_files.py)."""
        return self.folder / HOST_FOLDER / name

    @property
    def version(self) -> str:
        """The wallet's version; empty for a release of before there were any."""
        path = self.folder / VERSION
        found = re.search(r'^VERSION.*"(.+)"$', path.read_text(encoding="utf-8"), re.MULTILINE) if path.is_file() else None
        return found[1] if found else ""

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
        return attempt(["runuser", "-u", USER, "--", self.folder / VENV / "bin/python", *arguments], folder=self.folder,
                       settings={"PYTHONDONTWRITEBYTECODE": "1"})

    def upgrade_tables(self) -> subprocess.CompletedProcess[str]:
        """What became of its migrations, run as root, who may be the owner of the tables."""
        command = [str(self.folder / VENV / "bin/python"), "-m", "flask", "--app", "app.commands.program", "db", "upgrade"]
        return attempt(command, folder=self.folder,
                       settings={"FLASK_SKIP_DOTENV": "1", "PYTHONDONTWRITEBYTECODE": "1", "DATABASE_URL": OWNER_URL})


@dataclass(frozen=True)
class Sent:
    """What a deploy sends: two archives, and the settings and files for the host by their paths in the release."""

    program: Path
    wheels: Path
    configuration: dict[str, str]

    @property
    def release(self) -> Release:
        """The release of this content. The same content is the same release; a changed unit is a changed release, too."""
        content = f"{self.program.name} {self.wheels.name} {json.dumps(self.configuration, sort_keys=True)}"
        return Release(hashlib.sha256(content.encode()).hexdigest()[:ID_CHARACTERS])


def led_to(link: Path) -> Release | None:
    """The release that a link leads to, if it does."""
    return Release(link.resolve().name) if link.exists() else None


def unpack(sent: Sent) -> bool:
    """Have the release's folder be there. Returns whether it was made now. Raises: FailedError; then there is no such folder."""
    folder = sent.release.folder
    if folder.exists():
        return False
    if shutil.disk_usage(ROOT).free < FREE_BYTES:
        raise FailedError(f"Less than {FREE_BYTES // 1_000_000} MB are free under {ROOT}: make room, then try again.")
    with unpacked(sent) as partial:
        run(["sync", "--file-system", partial], why="The disk does not keep the release")
        partial.rename(folder)
    return True


@contextmanager
def unpacked(sent: Sent) -> Iterator[Path]:
    """A folder with all that the release consists of, gone after the block unless it was moved. Raises: FailedError."""
    os.umask(0o022)
    partial = RELEASES / f"{sent.release.id}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _fill(partial, sent)
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fill(partial: Path, sent: Sent) -> None:
    # With the time of now: of a file of the same size and time, the proxy would tell browsers that it is the one they have.
    run(["tar", "--extract", "--gzip", "--touch", "--no-same-owner", "--file", sent.program, "--directory", partial],
        why="The program cannot be unpacked")
    # Before the environment is made, which would be left behind for nothing.
    run(["python3", "-m", "compileall", "-q", "-s", partial, "-p", sent.release.folder,
         *(partial / name for name in ("app", "schema", "gunicorn.conf.py"))], why="The program is not Python", settings=SAME_EACH_TIME)
    (partial / VENV).symlink_to(environment(sent.wheels, partial / REQUIREMENTS))
    settings = partial / SETTINGS
    settings.touch(0o640)
    for name, content in sent.configuration.items():
        path = partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        before = CURRENT / name
        # Who has read a file of the same content has read this one.
        if before.is_file() and before.read_bytes() == path.read_bytes():
            os.utime(path, ns=(before.stat().st_atime_ns, before.stat().st_mtime_ns))
    with settings.open("a", encoding="utf-8") as file:
        file.write(f"PAYMENT_SYSTEM_RELEASE_ID={sent.release.id}\n")
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
    prune_environments()
    return [path.name for path in gone]
