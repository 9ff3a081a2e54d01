"""`make run` as real processes, and what is left after each kind of end."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM

import psycopg2
import pytest

from app.devdb import DevDatabaseError, data_major_version, find_programs, temporary_cluster
from app.local.run import main
from tests.local.runs import CHECKOUT, children_of, running, status_of
from tests.processes import AS_ROOT, CAN_MOUNT, await_end

ORDINARY = pwd.getpwnam("nobody")


def test_it_serves_until_ctrl_c_and_then_only_the_data_is_left(folder: Path, port: int) -> None:
    with running("--port", port, "--data", folder / "data", "--no-demo") as run:
        assert run.await_line("Wave is at") == f"Wave is at http://127.0.0.1:{port}"
        run.await_line(f"The data is in {folder}/data and stays. Ctrl-C stops everything.")
        assert status_of(f"http://127.0.0.1:{port}/healthz") == status_of(f"http://localhost:{port}/") == 200
        assert status_of(f"http://127.0.0.1:{port}/", host="evil.example") == 421
        children = children_of(run.process.pid)
        assert len(children) == 2
        assert_web_server_knows_the_apps_way_only(next(number for name, number in children.items() if name != "postgres"))
        run.process.send_signal(SIGINT)
        run.await_line("Stopped.")
        # As the Makefile does: it sends the signal twice, at any time.
        assert run.end(SIGTERM) == 0
        for process_id in children.values():
            await_end(process_id)
        assert run.output[-1] == "Stopped."
        assert not any("Log in as" in line or "Traceback" in line for line in run.output)
    assert data_major_version(folder / "data") is not None


def assert_web_server_knows_the_apps_way_only(process_id: int) -> None:
    raw = Path(f"/proc/{process_id}/environ").read_bytes().decode().split("\0")
    environment = dict(line.split("=", 1) for line in raw if "=" in line)
    assert environment["DATABASE_URL"].startswith("postgresql+psycopg2://payment_system@/payment_system?host=")
    assert environment["PAYMENT_SYSTEM_ENVIRONMENT"] == "development"
    assert environment["PAYMENT_SYSTEM_SECURE_COOKIES"] == "false"
    assert environment["PAYMENT_SYSTEM_OPENING_BALANCE"] == "1000"
    assert "DATABASE_OWNER_URL" not in environment


def test_demo_people_have_a_login_and_a_second_start_prints_it_again(folder: Path, port: int) -> None:
    work: list[object] = []
    for start in ("first", "second"):
        began = time.monotonic()
        with running("--port", port, "--data", folder / "data", "--host", "0.0.0.0") as run:  # noqa: S104
            run.await_line("Wave is at")
            work.append(work_of_start(folder / "data"))
            print(f"\n{start} start of make run: {time.monotonic() - began:.2f} s")  # noqa: T201 - stated, not asserted
            assert run.await_line("Anyone").endswith("without encryption: for trying out only.")
            assert re.fullmatch(r"Log in as \S+ with the password .+, or create an account\.", run.await_line("Log in"))
            assert run.end(SIGINT) == 0
    assert work[0] == work[1], "the second start made a cluster or people again"


def work_of_start(data: Path) -> object:
    """What initdb and seeding have made: a file of the cluster, and all people and payments with their row versions."""
    made = (data / "postgresql" / "PG_VERSION").stat()
    statement = """SELECT (SELECT array_agg(xmin || ' ' || id ORDER BY id) FROM users),
                          (SELECT array_agg(xmin ORDER BY id) FROM ledger.transfers)"""
    connection = psycopg2.connect(host=str(data / "postgresql"), dbname="payment_system", user="payment_system")
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchone()
    connection.close()
    assert rows is not None
    assert (len(rows[0]) > 10, len(rows[1]) > 1000) == (True, True)
    return made.st_ino, made.st_mtime_ns, rows


def test_after_a_kill_nothing_is_left_and_the_next_start_serves_at_once(data: Path, port: int) -> None:
    arguments = ("--port", port, "--data", data, "--no-demo")
    with running(*arguments) as killed:
        killed.await_line("Wave is at")
        children = children_of(killed.process.pid)
        killed.process.send_signal(SIGKILL)
        for process_id in children.values():
            await_end(process_id)
        with running(*arguments) as run:
            run.await_line("Wave is at")
            assert status_of(f"http://127.0.0.1:{port}/healthz") == 200
            assert run.end(SIGINT) == 0


def test_when_the_web_server_dies_everything_stops_and_says_so(data: Path, port: int) -> None:
    with running("--port", port, "--data", data, "--no-demo") as run:
        run.await_line("Wave is at")
        children = children_of(run.process.pid)
        os.kill(next(number for name, number in children.items() if name != "postgres"), SIGKILL)
        assert run.await_end() == 1
        assert "The web server stopped by itself (exit code -9), so all was stopped: read what it says above." in run.output
        for process_id in children.values():
            await_end(process_id)


def test_when_postgresql_dies_everything_stops_and_says_so(data: Path, port: int) -> None:
    with running("--port", port, "--data", data, "--no-demo") as run:
        run.await_line("Wave is at")
        children = children_of(run.process.pid)
        os.kill(children["postgres"], SIGKILL)
        assert run.await_end() == 1
        sentence = f"PostgreSQL stopped by itself, so all was stopped: read {data}/postgresql.log, then start again."
        assert run.output[-1] == sentence
        for process_id in children.values():
            await_end(process_id)


def test_a_named_database_is_used_without_a_cluster_or_demo_people(folder: Path, port: int) -> None:
    with temporary_cluster(find_programs()) as cluster:
        environment = {"DATABASE_URL": cluster.url(), "DATABASE_OWNER_URL": cluster.url(role="payment_system_owner")}
        with running("--port", port, "--data", folder / "data", environment=environment) as run:
            run.await_line("Wave is at")
            run.await_line("The data is in the database of DATABASE_URL and stays.")
            assert "postgres" not in children_of(run.process.pid)
            assert run.end(SIGTERM) == 0
            assert not any("Log in as" in line for line in run.output)
    assert not (folder / "data").exists()


def test_without_programs_on_the_machine_it_uses_those_of_the_wheel(folder: Path, port: int) -> None:
    if not CAN_MOUNT:
        pytest.skip("only root with mount namespaces can hide the machine's programs")
    hidden = 'if [ -d "$0" ]; then mount -t tmpfs none "$0"; fi; exec "$@"'
    before = ("unshare", "--mount", "sh", "-c", hidden, "/usr/lib/postgresql")
    arguments = ("--port", port, "--data", folder / "data", "--no-demo")
    with running(*arguments, before=before, environment={"PATH": "/usr/bin:/bin"}) as run:
        run.await_line("Wave is at")
        assert run.end(SIGINT) == 0
    assert data_major_version(folder / "data") == find_programs("wheel").major


def ordinary_python(packages: str) -> str:
    """A Python of this version that an ordinary user can run with our packages; skips the test without one."""
    for candidate in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        command = [candidate, "-c", "import flask, gunicorn, psycopg2, sqlalchemy"]
        try:
            done = subprocess.run(
                command,
                cwd="/",
                env={"PYTHONPATH": packages},
                check=False,
                capture_output=True,
                user=ORDINARY.pw_uid,
                group=ORDINARY.pw_gid,
                extra_groups=[],
            )
        except OSError:
            continue
        if done.returncode == 0:
            return candidate
    pytest.skip("no Python here that an ordinary user can run with these packages")


@pytest.mark.skipif(not AS_ROOT, reason="all other tests run as an ordinary user already")
@pytest.mark.parametrize("source", ["machine", "wheel"])
def test_an_ordinary_user_runs_it_from_a_checkout_of_their_own(folder: Path, port: int, source: str) -> None:
    packages = sysconfig.get_path("purelib")
    python = ordinary_python(packages)
    checkout = folder / "checkout"
    for name in ("app", "schema"):
        shutil.copytree(CHECKOUT / name, checkout / name)
    shutil.copy(CHECKOUT / "gunicorn.conf.py", checkout)
    for path in (checkout, *checkout.rglob("*")):
        os.chown(path, ORDINARY.pw_uid, ORDINARY.pw_gid)
    before: tuple[str, ...] = ("setpriv", f"--reuid={ORDINARY.pw_uid}", f"--regid={ORDINARY.pw_gid}", "--clear-groups")
    if source == "wheel" and CAN_MOUNT:
        hidden = 'if [ -d "$0" ]; then mount -t tmpfs none "$0"; fi; exec "$@"'
        before = ("unshare", "--mount", "sh", "-c", hidden, "/usr/lib/postgresql", *before)
    environment = {"PYTHONPATH": packages, "HOME": str(checkout), "PATH": "/usr/bin:/bin"}
    try:
        expected = find_programs("wheel" if source == "wheel" else "machine").major
    except DevDatabaseError:
        pytest.skip(f"no PostgreSQL programs from the {source} here")
    with running("--port", port, "--no-demo", before=before, python=python, checkout=checkout, environment=environment) as run:
        run.await_line("Wave is at")
        assert status_of(f"http://127.0.0.1:{port}/healthz") == 200
        assert run.end(SIGINT) == 0
    assert data_major_version(checkout / ".data") == expected
    assert (checkout / ".data" / "postgresql").stat().st_uid == ORDINARY.pw_uid


def test_reset_deletes_the_data_and_says_if_there_is_none(folder: Path, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    data = folder / "data"
    assert main(["--reset", "--data", str(data)]) == 0
    with running("--port", port, "--data", data, "--no-demo") as run:
        run.await_line("Wave is at")
        assert main(["--reset", "--data", str(data)]) == 1
        # As if the terminal is closed.
        assert run.end(SIGHUP) == 0
    assert main(["--reset", "--data", str(data)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"There was no data in {data}.", f"Forgot the data in {data}."]
    assert said.err == f"Another `make run` is using {data}: stop it first, or choose another folder with DATA=….\n"
    assert not data.exists()


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_it_starts_in_a_currency_with_no_or_three_digits_after_the_point(data: Path, checkout: Path, port: int, currency: str) -> None:
    chosen = {"PAYMENT_SYSTEM_CURRENCY": currency}
    with running("--port", port, "--data", data, checkout=checkout, environment=chosen) as run:
        run.await_line("Log in as amara")
        assert status_of(f"http://127.0.0.1:{port}/readyz") == 200
        assert run.end(SIGINT) == 0
