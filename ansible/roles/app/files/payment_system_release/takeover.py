"""Owns the takeover of units and an account with the wallet's names, at the move to the first release, and their way back.

A unit in `/usr/lib` stays there, as that folder is its package's: the wallet's is above it. What is added to a unit goes from there, too,
since systemd adds it to the wallet's.
"""

from __future__ import annotations

import grp
import json
import pwd
import shutil
from pathlib import Path
from typing import Any, Final

from payment_system_release import proxy
from payment_system_release.host import ROOT, USER, FailedError, attempt, run, say, write
from payment_system_release.host_files import DROP_INS, STANDBY_UNITS, UNIT_FOLDER, UNITS, is_ours
from payment_system_release.replaced import carry, folder_of_now
from payment_system_release.serving import is_active, said, stop

# Sockets first: one that is left would start its service again, and one is not made while its service is there.
NAMES: Final = tuple(sorted((*UNITS, *STANDBY_UNITS), key=lambda unit: not unit.endswith(".socket")))
PACKAGES_UNITS: Final = Path("/usr/lib/systemd/system")
FORMER: Final = ROOT / "former"
"""There while the host moves to its first release: what ran, how the account and the proxy were, and where the files are kept."""
RUNS: Final = ("active", "reloading")
WALLETS_ACCOUNT: Final = {"home": "/nonexistent", "shell": "/usr/sbin/nologin", "groups": []}


def give_way() -> None:
    """Stop what runs under the wallet's names, and keep its files where systemd does not see them. Raises: FailedError.

    Until here it runs as ever. What was begun before is gone on with.
    """
    if not FORMER.exists():
        # First of all, so that all of it can be undone from any moment on.
        proxy_was = [is_active(proxy.UNIT), attempt(["systemctl", "is-enabled", "--quiet", proxy.UNIT]).returncode == 0]
        noted = {"folder": str(folder_of_now()), "running": running(), "account": _account(), "proxy": proxy_was}
        write(FORMER, json.dumps(noted))
    former, paths = _noted(), _paths()
    if former["running"] or paths:
        for unit in NAMES:
            if not is_ours(UNIT_FOLDER / unit):
                stop(unit)
        say(f"What is not from a deploy and has the wallet's names gives way: {', '.join([*former['running'], *map(str, paths)])}.")
    carry({path: Path(former["folder"]) / path.relative_to("/") for path in paths})
    _set_account(WALLETS_ACCOUNT)


def has_given_way() -> bool:
    """Whether there is something to bring back; it may not have begun to give way."""
    return FORMER.exists()


def put_back() -> None:
    """Have the files and the account be what they were; systemd has not read them yet. Raises: FailedError."""
    former = _noted()
    folder = Path(former["folder"])
    kept = [path for path in sorted(folder.rglob("*")) if _is_file(path)]
    carry({path: Path("/") / path.relative_to(folder) for path in kept})
    shutil.rmtree(folder, ignore_errors=True)
    _set_account(former["account"])


def proxy_ran() -> bool:
    """Whether the proxy ran with settings of its own."""
    ran: bool = _noted()["proxy"][0]
    return ran


def start_again() -> None:
    """Have run what ran, and nothing else; nothing of the way here is left to undo then. Raises: FailedError with what does not run."""
    ran, (proxy_ran, proxy_was_enabled) = _noted()["running"], _noted()["proxy"]
    if not proxy_ran:
        stop(proxy.UNIT)
    if not proxy_was_enabled:
        attempt(["systemctl", "disable", "--quiet", proxy.UNIT])
    if ran:
        attempt(["systemctl", "start", *ran])
    for unit in ran:
        if unit not in running():
            raise FailedError(f"{unit}, which is not from a deploy, does not start again: {said(unit)}")
    forget()


def forget() -> None:
    """After the move nothing is brought back any more. What was set aside stays there."""
    FORMER.unlink(missing_ok=True)


def running() -> list[str]:
    """The units of the wallet's names that run and are not the wallet's."""
    states = attempt(["systemctl", "is-active", *NAMES]).stdout.split()
    return [unit for unit, state in zip(NAMES, states, strict=True) if state in RUNS and not is_ours(UNIT_FOLDER / unit)]


def _noted() -> dict[str, Any]:
    noted: dict[str, Any] = json.loads(FORMER.read_text(encoding="utf-8"))
    return noted


def _paths() -> list[Path]:
    """Files of units, what is added to them, and links by which they start with the host or have another name."""
    units = [folder / unit for folder in (DROP_INS, UNIT_FOLDER) for unit in NAMES]
    added = [path for folder in (DROP_INS, UNIT_FOLDER, PACKAGES_UNITS) for unit in NAMES for name in ("d", "wants", "requires")
             for path in sorted((folder / f"{unit}.{name}").glob("*"))]
    links = [path for pattern in ("*", "*.wants/*", "*.requires/*") for path in sorted(DROP_INS.glob(pattern))
             if path.is_symlink() and {path.name, path.readlink().name} & {*NAMES}]
    return [path for path in dict.fromkeys([*units, *added, *links]) if _is_file(path) and not is_ours(path)]


def _is_file(path: Path) -> bool:
    """Whether it is one, and not one on its way."""
    return (path.is_symlink() or path.is_file()) and not path.name.startswith(".")


def _account() -> dict[str, Any]:
    account = pwd.getpwnam(USER)
    groups = sorted(each.gr_name for each in grp.getgrall() if USER in each.gr_mem)
    return {"home": account.pw_dir, "shell": account.pw_shell, "groups": groups}


def _set_account(wanted: dict[str, Any]) -> None:
    if wanted != _account():
        run(["usermod", "--home", wanted["home"], "--shell", wanted["shell"], "--groups", ",".join(wanted["groups"]), USER],
            why=f"The account {USER} cannot be changed")
