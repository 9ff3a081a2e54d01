"""Ctrl-C at any moment of `make run`: one word, no traceback, no running process, and nothing partial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.devdb import data_major_version
from tests.local.conftest import cluster_at
from tests.local.runs import CHECKOUT
from tests.local.stopping import Moment, processes_in, serves, stopped_at

if TYPE_CHECKING:
    from pathlib import Path


def starts_python(folder: Path, _said: str) -> bool:
    return any("-m app.local" in command and "make" not in command for command in processes_in(folder).values())


def makes_the_cluster(folder: Path, _said: str) -> bool:
    return any(folder.glob("checkout/.data/postgresql.new-*/base"))


def has_the_cluster(folder: Path, _said: str) -> bool:
    return data_major_version(folder / "checkout/.data") is not None


def waits_for_the_server(folder: Path, _said: str) -> bool:
    return (folder / "checkout/.data/postgresql/postmaster.pid").exists()


def migrates(folder: Path, _said: str) -> bool:
    return any("postgres: payment_system_owner" in command for command in processes_in(folder).values())


def makes_demo_people(folder: Path, _said: str) -> bool:
    return any("postgres: payment_system_owner" in command and "INSERT" in command for command in processes_in(folder).values())


def starts_gunicorn(folder: Path, _said: str) -> bool:
    return any("-m gunicorn" in command for command in processes_in(folder).values())


@pytest.mark.parametrize(
    "moment", [starts_python, makes_the_cluster, has_the_cluster, waits_for_the_server, migrates, makes_demo_people,
               starts_gunicorn, serves],
)
def test_ctrl_c_while_it_starts_and_serves_says_stopped_and_no_more(checkout: Path, port: int, moment: Moment) -> None:
    (checkout / ".venv").symlink_to(CHECKOUT / ".venv")
    if moment not in (starts_python, makes_the_cluster, has_the_cluster):
        cluster_at(checkout / ".data")
    told = stopped_at(moment, checkout, port, "--assume-old=.venv/installed")
    assert told[-2:] == ["", "Stopped."] or (told[-3:-1] == ["", "Stopped."] and told[-1].startswith("make: *** ")), told
    assert not any("Traceback" in line or "Error" in line.replace("Error 130", "") for line in told), told
    assert not any(checkout.glob(".data/postgresql.new-*"))
    # What exists is complete: the next start serves.
    if moment in (makes_the_cluster, migrates):
        assert stopped_at(serves, checkout, port, "--assume-old=.venv/installed").count("Stopped.") == 1
