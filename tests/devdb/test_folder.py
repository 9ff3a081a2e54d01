"""The data folder: a complete cluster or none, one owner at a time; refusals are sentences and change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGINT

import pytest

from app.devdb import Cluster, DevDatabaseError, Programs, data_major_version, delete_data, find_programs, server_account
from tests.devdb.clusters import CHECKOUT, ask, opened, owner_elsewhere
from tests.processes import await_end, mount_only, root_only


def test_nobody_else_may_enter_the_folder_of_the_socket(folder: Path, wheel: Programs) -> None:
    with opened(folder / "data", wheel) as cluster:
        cluster.start()
        assert cluster.socket_folder.stat().st_mode & 0o077 == 0
        account = server_account()
        assert cluster.socket_folder.stat().st_uid == (account.uid if account else os.geteuid())


def test_a_folder_in_use_is_refused_and_its_server_keeps_running(folder: Path, wheel: Programs) -> None:
    opened(folder / "data", wheel).close()
    with owner_elsewhere(folder / "data", "wheel") as (_, server):
        with pytest.raises(DevDatabaseError, match=r"^Another `make run` is using .*/data: stop it first"):
            opened(folder / "data", wheel)
        with pytest.raises(DevDatabaseError, match=r"^Another `make run`"):
            delete_data(folder / "data")
        os.kill(server, 0)


def test_data_of_another_version_is_refused_and_not_changed(folder: Path, wheel: Programs) -> None:
    opened(folder / "data", wheel).close()
    version = folder / "data" / "postgresql" / "PG_VERSION"
    version.write_text("13\n", encoding="ascii")
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*"))
    with pytest.raises(DevDatabaseError) as refusal:
        opened(folder / "data", find_programs("wheel", major=data_major_version(folder / "data")))
    assert str(refusal.value) == (
        f"The data in {folder}/data was made by PostgreSQL 13 and the one here is {wheel.major}: choose another folder "
        "with DATA=…, install PostgreSQL 13, or forget that data with `make reset`; nothing was changed."
    )
    assert sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*")) == before


def test_a_folder_with_other_files_is_refused_and_not_changed(folder: Path, wheel: Programs) -> None:
    (folder / "letter.txt").write_text("dear", encoding="ascii")
    with pytest.raises(DevDatabaseError, match=r"holds other things \(letter.txt\) and no data of this program"):
        opened(folder, wheel)
    with pytest.raises(DevDatabaseError, match="holds other things"):
        delete_data(folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    with pytest.raises(DevDatabaseError, match=r"letter.txt cannot be used \(Not a directory\)"):
        opened(folder / "letter.txt", wheel)


def test_an_interrupted_creation_leaves_no_usable_cluster(folder: Path, wheel: Programs) -> None:
    half = folder / "data" / "postgresql.new-cut"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n", encoding="ascii")
    with opened(folder / "data", wheel) as cluster:
        assert not half.exists()
        cluster.start()


@pytest.mark.parametrize(
    ("last_words", "sentence"),
    [
        ("initdb: error: could not write file: No space left on device", "is full: free some space there"),
        ("initdb: error: invalid locale name", "could not make its data folder in .*: initdb: error: invalid locale name"),
    ],
)
def test_a_cluster_that_cannot_be_made_leaves_no_trace(folder: Path, wheel: Programs, last_words: str, sentence: str) -> None:
    fake = folder / "bin"
    fake.mkdir(mode=0o755)
    (fake / "initdb").write_text(f'#!/bin/sh\n: > "${{1#--pgdata=}}/half"\necho "{last_words}" >&2\nexit 1\n', encoding="ascii")
    (fake / "initdb").chmod(0o755)
    with pytest.raises(DevDatabaseError, match=sentence):
        Cluster.create_or_open(folder / "data", Programs(fake, wheel.major, wheel.environment))
    assert not (folder / "data").exists()


FULL_DISK = """
import sys
from pathlib import Path
from app.devdb import Cluster, DevDatabaseError, find_programs
disk, programs = Path(sys.argv[1]), find_programs()
ballast = disk / "lost+found"
try:
    Cluster.create_or_open(disk / "data", programs, durable=False)
except DevDatabaseError as error:
    print(error)
print(sorted(path.name for path in disk.iterdir()))
import subprocess
subprocess.run(["mount", "-o", "remount,size=200m", str(disk)], check=True)
with Cluster.create_or_open(disk / "data", programs, durable=False) as cluster:
    cluster.start()
    cluster.prepare()
    cluster.stop()
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(65536))
                file.flush()
        except OSError:
            pass
    try:
        cluster.start()
    except DevDatabaseError as error:
        print(error)
    ballast.unlink()
    cluster.start()
    cluster.prepare()
    print("recovered")
"""


@mount_only
def test_a_full_disk_is_a_sentence_and_loses_no_data(folder: Path) -> None:
    disk = folder / "disk"
    disk.mkdir()
    mounted = 'mount -t tmpfs -o size=12m,mode=755 none "$1" && exec "$0" -c "$2" "$1"'
    command = ["unshare", "--mount", "sh", "-c", mounted, sys.executable, str(disk), FULL_DISK]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    sentence = (
        f"The disk that holds {disk}/data is full: free some space there, or choose another folder with DATA=…; nothing was lost."
    )
    assert done.stdout.splitlines() == [sentence, "[]", sentence, "recovered"], done.stderr


def test_deleting_removes_only_the_data(folder: Path, wheel: Programs) -> None:
    assert delete_data(folder / "data") is False
    opened(folder / "data", wheel).close()
    assert delete_data(folder / "data") is True
    assert not (folder / "data").exists()
    opened(folder / "data", wheel).close()
    (folder / "data" / "letter.txt").write_text("dear", encoding="ascii")
    assert delete_data(folder / "data") is True
    assert [path.name for path in (folder / "data").iterdir()] == ["letter.txt"]


@root_only
def test_a_data_folder_out_of_reach_of_the_servers_account_is_refused_first(
    folder: Path, wheel: Programs
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DevDatabaseError, match=r"account \w+ that it runs as instead cannot reach .*/closed/data: choose a folder"):
        Cluster.create_or_open(closed / "data", wheel)
    assert list(closed.iterdir()) == []


@root_only
def test_root_opens_an_ordinary_users_data_as_that_user(folder: Path, wheel: Programs) -> None:
    opened(folder / "data", wheel).close()
    for path in [folder / "data", *(folder / "data").rglob("*")]:
        os.chown(path, 54321, 54321)
    with opened(folder / "data", wheel) as cluster:
        cluster.start()
        assert ask(cluster, "SELECT 1", database="postgres", role="postgres") == (1,)
        assert Path(f"/proc/{cluster.process_id}").stat().st_uid == 54321
        assert cluster.process_id is not None
        os.kill(cluster.process_id, SIGINT)
        await_end(cluster.process_id)
