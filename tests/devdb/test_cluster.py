"""The cluster: roles, settings, start and stop, and an orphaned server after its owner was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from signal import SIGKILL

import psycopg2
import pytest

from app.devdb import DevDatabaseError, Programs, server_account, temporary_cluster
from app.devdb.account import as_account
from tests.devdb.clusters import Source, ask, opened, owner_elsewhere, programs_of
from tests.processes import LIMIT_SECONDS, await_end


def test_a_new_cluster_is_utf8_in_utc_with_checksums_and_listens_on_no_network(programs: Programs) -> None:
    with temporary_cluster(programs) as cluster:
        settings = ("server_encoding", "timezone", "data_checksums", "listen_addresses")
        question = ", ".join(f"current_setting('{name}')" for name in settings)
        assert ask(cluster, f"SELECT {question}, lower('ÉMILIE')") == ("UTF8", "UTC", "on", "", "émilie")
        assert ask(cluster, "SELECT current_setting('server_version_num')::int / 10000") == (programs.major,)


def test_both_roles_connect_without_special_rights_and_nobody_else_does(programs: Programs) -> None:
    with temporary_cluster(programs) as cluster:
        cluster.prepare()  # a second time changes nothing
        rights = "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        assert ask(cluster, rights) == (False, False, False, False)
        assert ask(cluster, rights, role="payment_system_owner") == (False, False, False, False)
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert ask(cluster, owner) == ("payment_system_owner",)
        cluster.run_sql("CREATE ROLE intruder LOGIN")
        with pytest.raises(psycopg2.OperationalError, match="CONNECT privilege"):
            ask(cluster, "SELECT 1", role="intruder")


def test_a_database_of_another_name_can_be_prepared_beside_the_first(wheel: Programs) -> None:
    with temporary_cluster(wheel) as cluster:
        cluster.prepare("second")
        assert ask(cluster, "SELECT current_database()", database="second") == ("second",)
        start = "postgresql+psycopg2://payment_system@/second?host="
        assert cluster.url("second").startswith(start)


def test_data_survives_a_stop_and_a_second_start_is_quick(folder: Path, programs: Programs) -> None:
    with opened(folder / "data", programs) as cluster:
        cluster.start()
        cluster.prepare()
        ask(cluster, "CREATE TABLE kept AS SELECT 7 AS number", role="payment_system_owner")
        cluster.stop()
        assert cluster.process_id is None
        cluster.stop()  # without a server it does nothing
    began = time.monotonic()
    with opened(folder / "data", programs) as cluster:
        cluster.start()
        cluster.prepare()
        print(f"\nsecond start of PostgreSQL {programs.major}: {time.monotonic() - began:.2f} s")  # noqa: T201 - stated, not asserted
        assert ask(cluster, "SELECT number FROM kept", role="payment_system_owner") == (7,)


@pytest.mark.parametrize("source", ["machine", "wheel"])
def test_a_server_ends_with_its_killed_owner_and_starts_again_with_its_data(folder: Path, source: Source) -> None:
    programs = programs_of(source)
    opened(folder / "data", programs).close()
    with owner_elsewhere(folder / "data", source) as (owner, server):
        owner.send_signal(SIGKILL)
        owner.wait()
        # Immediately, while the old server may still be stopping.
        with opened(folder / "data", programs) as cluster:
            cluster.start()
            assert cluster.process_id != server
            assert ask(cluster, "SELECT 1") == (1,)
        await_end(server)


@pytest.mark.parametrize("signal", ["SIGINT", "SIGQUIT"])
def test_a_child_process_ends_with_its_parent_even_if_a_shell_ignores_the_signal(signal: str) -> None:
    server = "import os, signal; print(os.getpid(), flush=True); signal.pause()"
    owner = (
        "import os, signal, subprocess, sys; from app.devdb import child_command; print(os.getpid(), flush=True); "
        f"subprocess.Popen(child_command([sys.executable, '-c', sys.argv[1]], signal=signal.{signal})); signal.pause()"
    )
    in_background = ["/bin/sh", "-c", '"$@" & wait', "sh", sys.executable, "-c", owner, server]
    with subprocess.Popen(in_background, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as shell:
        assert shell.stdout is not None
        owner_id, server_id = (int(shell.stdout.readline()) for _ in range(2))
        os.kill(owner_id, SIGKILL)
        try:
            await_end(server_id)
        except AssertionError:
            os.kill(server_id, SIGKILL)
            raise


def test_an_orphaned_server_is_ended_before_another_starts(folder: Path, programs: Programs) -> None:
    with opened(folder / "data", programs) as cluster:
        cluster.start()
        data, sockets = cluster.socket_folder, f"unix_socket_directories={cluster.socket_folder}"
        cluster.stop()
        # As pg_ctl leaves it: it does not end with an owner.
        command = [programs.path("postgres"), "-D", str(data), "-c", "listen_addresses=", "-c", sockets]
        left = subprocess.Popen(
            command,
            cwd="/",
            env=programs.environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **as_account(server_account()),
        )
        assert left.stderr is not None
        assert any("ready to accept connections" in line for line in left.stderr)
        cluster.start()
        assert left.wait(LIMIT_SECONDS) == 0
        left.stderr.close()
        assert ask(cluster, "SELECT 1", database="postgres", role="postgres") == (1,)


def test_a_server_killed_itself_recovers(folder: Path, programs: Programs) -> None:
    with opened(folder / "data", programs) as cluster:
        cluster.start()
        cluster.prepare()
        ask(cluster, "CREATE TABLE kept AS SELECT 7 AS number", role="payment_system_owner")
        assert cluster.process_id is not None
        os.kill(cluster.process_id, SIGKILL)
        cluster.start()
        assert ask(cluster, "SELECT number FROM kept", role="payment_system_owner") == (7,)


@pytest.mark.parametrize("name", ["x" * 100, "a, b's (ö) 100%"])
def test_a_path_that_a_socket_cannot_have_is_replaced_by_a_short_one_until_the_stop(
    folder: Path, wheel: Programs, name: str
) -> None:
    with opened(folder / name, wheel) as cluster:
        cluster.start()
        cluster.prepare()
        assert ask(cluster, "SELECT 1") == (1,)
        sockets = cluster.socket_folder
        assert len(str(sockets / ".s.PGSQL.5432")) <= 107
        assert sockets.parent == Path("/tmp")  # noqa: S108
        assert sockets.stat().st_mode & 0o077 == 0
    assert not sockets.exists()


def test_a_short_socket_folder_of_another_account_is_refused(folder: Path, wheel: Programs) -> None:
    with opened(folder / ("x" * 100), wheel) as cluster:
        cluster.socket_folder.mkdir(mode=0o755)
        try:
            with pytest.raises(DevDatabaseError, match=r"is not ours, and .* is too long for a socket: choose a shorter one"):
                cluster.start()
        finally:
            cluster.socket_folder.rmdir()


def test_a_server_that_cannot_start_says_why(folder: Path, wheel: Programs) -> None:
    with opened(folder / "data", wheel) as cluster:
        with pytest.raises(DevDatabaseError, match=r"could not use .* \(.*FATAL:.*shared_buffers.*\): read .*postgresql.log"):
            cluster.start({"shared_buffers": "nonsense"})
        assert cluster.process_id is None
        cluster.start()
        with pytest.raises(DevDatabaseError, match="syntax error"):
            cluster.run_sql("SELEKT 1")


def test_a_stale_process_id_of_another_program_is_not_ended(folder: Path, wheel: Programs) -> None:
    account = server_account()
    other = subprocess.Popen(["/bin/sleep", "600"], cwd="/", **as_account(account))
    try:
        with opened(folder / "data", wheel) as cluster:
            stale = folder / "data" / "postgresql"
            for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
                (stale / name).write_text(f"{other.pid}\n{stale}\n1\n5432\n\n\n\nready\n", encoding="ascii")
            cluster.start()
            assert cluster.process_id != other.pid
            assert other.poll() is None
    finally:
        other.kill()
        other.wait()
