"""What `make run` refuses: one sentence each, before anything is changed."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from babel.core import get_global

from app.devdb import Cluster, find_programs
from app.local import options as options_module
from app.local.run import LOCAL_SETTINGS, main
from app.settings import load_settings
from tests.local.runs import CHECKOUT, running
from tests.processes import mount_only

if TYPE_CHECKING:
    from tests.conftest import Database


@mount_only
def test_a_full_disk_is_one_sentence(folder: Path, port: int) -> None:
    disk = folder / "disk"
    disk.mkdir()
    mounted = 'mount -t tmpfs -o size=12m,mode=755 none "$0" && exec "$@"'
    before = ("unshare", "--mount", "sh", "-c", mounted, str(disk))
    with running("--port", port, "--data", disk / "data", before=before) as run:
        assert run.await_end() == 1
        sentence = "is full: free some space there, or choose another folder with DATA=…; nothing was lost."
        assert run.output == [f"The disk that holds {disk}/data {sentence}"]


FULL_LATER = """
import os, subprocess, sys
from pathlib import Path
from app.devdb import Cluster, find_programs
from app.local.run import main
disk, port = sys.argv[1:]
with Cluster.create_or_open(Path(disk, "data"), find_programs(), durable=False) as cluster:
    cluster.start()
    cluster.prepare()
room = os.statvfs(disk)
used = (room.f_blocks - room.f_bfree) * room.f_frsize
subprocess.run(["mount", "-o", f"remount,size={used + 1_500_000}", disk], check=True)
sys.exit(main(["--data", f"{disk}/data", "--port", port]))
"""


@mount_only
def test_a_disk_that_fills_up_while_demo_people_are_made_is_the_same_sentence(folder: Path, port: int) -> None:
    disk = folder / "disk"
    disk.mkdir()
    mounted = 'mount -t tmpfs -o size=200m,mode=755 none "$1" && exec "$0" -c "$3" "$1" "$2"'
    command = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", mounted, sys.executable, str(disk), str(port), FULL_LATER]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    sentence = "is full: free some space there, or choose another folder with DATA=…; nothing was lost."
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"The disk that holds {disk}/data {sentence}\n")


def test_a_used_port_is_one_sentence_before_anything_is_started(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(options_module, "PORT_WAIT_SECONDS", 0)
    with socket.socket() as user:
        user.bind(("127.0.0.1", 0))
        user.listen()
        port = user.getsockname()[1]
        assert main(["--port", str(port), "--data", str(folder / "data")]) == 1
    said = capsys.readouterr()
    assert (
        said.err == f"Port {port} is in use on 127.0.0.1: stop what uses it, or choose another with `make run PORT={port + 1}`.\n"
    )
    assert said.out == ""
    assert not (folder / "data").exists()


@pytest.mark.parametrize("given", ["0", "65536", "-1", "80x", "", "٨٠", "9" * 5000])
def test_an_invalid_port_is_one_sentence(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--port={given}"]) == 1
    assert re.fullmatch(
        r"PORT is '.*': give a whole number from 1 to 65535, for example `make run PORT=5001`\.\n", capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            "no.such.invalid",
            "HOST is 'no.such.invalid', which is no address: give one of this machine's, for example `make run HOST=127.0.0.1`.\n",
        ),
        ("", "HOST is '', which is no address: give one of this machine's, for example `make run HOST=127.0.0.1`.\n"),
        ("192.0.2.1", "HOST is '192.0.2.1', which is not an address of this machine: try `make run HOST=127.0.0.1`.\n"),
    ],
)
def test_a_host_that_is_not_this_machine_is_one_sentence(given: str, sentence: str, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--host={given}", f"--port={port}"]) == 1
    assert capsys.readouterr().err == sentence


def test_a_privileged_port_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root and many containers may bind every port, so the kernel's refusal is simulated.
    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert main(["--port", "80"]) == 1
    assert capsys.readouterr().err == "Port 80 is for root alone: choose one from 1024 up, for example `make run PORT=5001`.\n"


def test_the_printed_address_works_in_a_browser() -> None:
    def address(host: str) -> tuple[str, str]:
        made = options_module.Options(host=host, port=5000, data_folder=Path("/nowhere"), demo=None, reset=False)
        return made.bind, made.address

    assert address("127.0.0.1") == ("127.0.0.1:5000", "http://127.0.0.1:5000")
    assert address("::1") == ("[::1]:5000", "http://[::1]:5000")
    assert address("0.0.0.0") == ("0.0.0.0:5000", "http://127.0.0.1:5000")  # noqa: S104
    assert address("::") == ("[::]:5000", "http://[::1]:5000")


def test_data_of_another_version_is_one_sentence(folder: Path, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data" / "postgresql").mkdir(parents=True)
    (folder / "data" / "postgresql" / "PG_VERSION").write_text("12\n", encoding="ascii")
    assert main(["--port", str(port), "--data", str(folder / "data")]) == 1
    assert capsys.readouterr().err.startswith(f"The data in {folder}/data was made by PostgreSQL 12 and the one here is ")


def test_a_setting_that_cannot_be_used_is_one_sentence(
    folder: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENT_SYSTEM_OPENING_BALANCE", "much")
    assert main(["--port", str(port), "--data", str(folder / "data"), "--no-demo"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("PAYMENT_SYSTEM_OPENING_BALANCE is 'much':")
    assert said.count("\n") == 1


def test_a_named_database_that_does_not_answer_is_one_sentence(
    folder: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://payment_system:secret@/payment_system?host={folder}")
    assert main(["--port", str(port), "--data", str(folder / "data")]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"The database of DATABASE_URL cannot be used \(.*\): mend the address or start that database\.\n", said)
    assert "secret" not in said


def test_a_named_database_without_the_roles_is_one_sentence_that_says_what_to_do(
    folder: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Cluster.create_or_open(folder / "theirs", find_programs(), durable=False) as cluster:
        cluster.start()
        monkeypatch.setenv("DATABASE_URL", cluster.url("postgres", "postgres"))
        assert main(["--port", str(port), "--data", str(folder / "data")]) == 1
    assert capsys.readouterr().err == (
        'This PostgreSQL lacks a role that the tables are for. Make both as README.md says under "On a database of your own".\n'
    )


def test_books_in_another_currency_are_one_sentence(
    database: Database, viewer: Any, port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    viewer("alice")
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    monkeypatch.setenv("DATABASE_OWNER_URL", database.owner_url)
    monkeypatch.setenv("PAYMENT_SYSTEM_CURRENCY", "EUR")
    assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err == "the books are in GBP, but PAYMENT_SYSTEM_CURRENCY is EUR: set it to GBP\n"


@pytest.mark.parametrize(("host", "names"), [
    ("127.0.0.1", "localhost,127.0.0.1,[::1]"), ("::1", "localhost,127.0.0.1,[::1]"), ("10.1.2.3", "localhost,127.0.0.1,[::1],10.1.2.3"),
    ("0.0.0.0", ""), ("::", ""),  # noqa: S104 - open to the network, under whatever name it has there
])
def test_it_answers_only_under_the_names_of_its_address(host: str, names: str) -> None:
    assert options_module.parse_options(["--host", host]).hosts == names


def test_a_stale_env_file_is_named_as_the_file_it_is(folder: Path, port: int, checkout: Path) -> None:
    """A message names the file for a wrong value, a database that is gone, and another currency."""
    arguments = ("--port", port, "--data", folder / "data", "--no-demo")
    for line, sentence in (
        ("PAYMENT_SYSTEM_HOSTS=*", "PAYMENT_SYSTEM_HOSTS is '*': write names or addresses such as"),
        (f"DATABASE_URL=postgresql://wave@/wave?host={folder}", "The database of DATABASE_URL cannot be used ("),
    ):
        (checkout / ".env").write_text(f"# of last year\n{line}\n", encoding="utf-8")
        with running(*arguments, checkout=checkout) as run:
            assert run.await_end() == 1
        assert len(run.output) == 1
        assert run.output[0].startswith(f"{checkout}/.env, line 2: {sentence}")
        assert not (folder / "data").exists()


def test_books_in_another_currency_than_the_env_files_name_the_file(
    database: Database, viewer: Any, port: int, checkout: Path,
) -> None:
    viewer("alice")
    (checkout / ".env").write_text("PAYMENT_SYSTEM_CURRENCY=EUR\n", encoding="utf-8")
    addresses = {"DATABASE_URL": database.app_url, "DATABASE_OWNER_URL": database.owner_url}
    with running("--port", port, checkout=checkout, environment=addresses) as run:
        assert run.await_end() == 1
    assert run.output == [
        f"{checkout}/.env, line 1: the books are in GBP, but PAYMENT_SYSTEM_CURRENCY is EUR: set it to GBP",
    ]


@pytest.mark.parametrize("currency", sorted(get_global("all_currencies")))
def test_the_local_settings_are_valid_in_every_currency(currency: str) -> None:
    settings = load_settings({**LOCAL_SETTINGS, "DATABASE_URL": "postgresql://", "PAYMENT_SYSTEM_CURRENCY": currency})
    assert settings.opening_amount is not None
    assert settings.opening_amount.minor_units == 1000 * 10**settings.currency.exponent
