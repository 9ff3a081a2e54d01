"""Owns which operating system account runs PostgreSQL's programs. PostgreSQL refuses root, so root uses another account."""

from __future__ import annotations

import os
import pwd
import subprocess  # nosec B404 # that it starts programs is looked at where it does
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.devdb.errors import DevDatabaseError

ROOT: Final = 0
# The first of these that exists; `nobody` exists on every Linux.
UNPRIVILEGED_ACCOUNTS: Final = ("postgres", "nobody")
# For files that this account must reach if the checkout is in root's home.
MACHINE_FOLDER: Final = Path("/var/lib/payment-system-development")


@dataclass(frozen=True, slots=True)
class Account:
    """Another account of this machine."""

    name: str
    uid: int
    gid: int


def server_account(cluster_folder: Path | None = None) -> Account | None:
    """The account that runs PostgreSQL's programs; None is the current account, which an ordinary user always gets.

    Args:
        cluster_folder: if it exists, its owner is returned: PostgreSQL must own its data.
    """
    if os.geteuid() != ROOT:
        return None
    if cluster_folder is not None and cluster_folder.exists() and cluster_folder.stat().st_uid != ROOT:
        return _account_of(cluster_folder)
    for name in UNPRIVILEGED_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise DevDatabaseError(
        f"PostgreSQL refuses to run as root and this machine has no account {' or '.join(UNPRIVILEGED_ACCOUNTS)}: "
        "run it as an ordinary user."
    )


def _account_of(folder: Path) -> Account:
    owner = folder.stat()
    try:
        name = pwd.getpwuid(owner.st_uid).pw_name
    except KeyError:
        name = str(owner.st_uid)
    return Account(name, owner.st_uid, owner.st_gid)


def as_account(account: Account | None) -> dict[str, Any]:
    """The arguments of `subprocess` to run a program as this account, without the current groups."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def can_enter(account: Account | None, folder: Path) -> bool:
    """Whether this account can enter the folder and all folders above it.

    Raises: DevDatabaseError if root may not switch to another account, as in some containers.
    """
    try:
        # Tried out for real: modes do not show access lists and read-only mounts.
        command = ["/bin/sh", "-c", 'cd -- "$0"', str(folder)]
        answer = subprocess.run(  # nosec B603 # the script is a constant, and the folder an argument that it quotes
            command, cwd="/", env={}, check=False, capture_output=True, **as_account(account),
        )
    except (OSError, subprocess.SubprocessError) as error:
        name = "" if account is None else account.name
        raise DevDatabaseError(
            f"PostgreSQL refuses to run as root and this root may not become {name} ({error}): "
            "run it as an ordinary user, or set DATABASE_URL."
        ) from error
    return answer.returncode == 0


def set_owner(account: Account | None, path: Path) -> None:
    """Make the account the owner of this path. None changes nothing: the current account owns it."""
    if account is not None:
        os.chown(path, account.uid, account.gid)
