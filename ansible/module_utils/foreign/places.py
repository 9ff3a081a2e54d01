"""Owns the names on the host that the wallet takes - units, files, folders, the account - and finds them taken by somebody else."""

from __future__ import annotations

import grp
import pwd
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ansible.module_utils.foreign.findings import Finding, found
from ansible.module_utils.foreign.host import is_from_a_deploy, is_there, said

if TYPE_CHECKING:
    from ansible.module_utils.foreign.host import Listener

NAME: Final = "payment-system"
UNITS: Final = tuple(f"{NAME}{each}" for each in (
    ".service", ".socket", "-probe.socket", "-standby.service", "-standby.socket", "-firewall.service",
))
UNIT_FOLDERS: Final = tuple(map(Path, ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")))
# What a unit is for, in the words of deploys; those of now keep that in the release, and say so in an empty unit.
UNIT_MARK: Final = (r"^# What it is, the release that serves says|"
                    r"^Description=(Wave, the payment wallet|Where the (proxy|service|standby) |Firewall of the payment system)")
FILES: Final = {
    "/usr/local/bin/payment-system": r"^# The wallet's own commands",
    "/usr/local/sbin/payment-system-release": r"^# Installs a release",
    "/etc/payment-system-firewall.nft": r"^# Only a table of our own is replaced",
    "/etc/payment-system/payment-system.env": r"(?!)",
}
FOLDER: Final = Path("/opt/payment-system")
# A deploy that was cut off may have left some of these, and no others; `.current.new` is on its way to be `current`.
FOLDER_NAMES: Final = re.compile(r"current|environments|incoming|installer\.pyz|moving|previous|releases|standby|\..*\.new")
NO_SHELLS: Final = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false")
NO_HOME: Final = "/nonexistent"


def taken_units(listeners: list[Listener]) -> list[Finding]:
    """Units of the wallet's names, and drop-ins of a unit that is not the wallet's."""
    places = [folder / unit for folder in UNIT_FOLDERS for unit in UNITS]
    taken = [path for path in places if is_there(path) and not is_from_a_deploy(path, UNIT_MARK)]
    if not any(is_there(path) for path in places if path not in taken):
        # Once a unit is the wallet's, what is added to it is told of as a deviation.
        taken += [path for folder in UNIT_FOLDERS for unit in UNITS for path in sorted((folder / f"{unit}.d").glob("*.conf"))
                  if not is_from_a_deploy(path, UNIT_MARK)]
    if not taken:
        return []
    paths = tuple(map(str, taken))
    units = tuple(path.name for path in taken if path.name in UNITS)
    running = [unit for unit in units if said("systemctl", "is-active", unit).strip() in ("active", "activating", "reloading")]
    if not running:
        return [found("unit", files=paths)]
    ports = sorted({str(each.port) for each in listeners if each.unit in running})
    return [found("unit_runs", files=paths, runs=" and ".join(running),
                  ports=f" and answers on port {' and '.join(ports)}" if ports else "")]


def taken_files() -> list[Finding]:
    """Files of the wallet's names, and its folder with what no deploy puts there."""
    paths = tuple(path for path, mark in FILES.items() if is_there(Path(path)) and not is_from_a_deploy(Path(path), mark))
    findings = [found("file", files=paths)] if paths else []
    if (FOLDER / "installer.pyz").exists() or not is_there(FOLDER):
        return findings
    names = sorted(path.name for path in FOLDER.iterdir()) if FOLDER.is_dir() else ["what is no folder"]
    if all(FOLDER_NAMES.fullmatch(name) for name in names):
        return findings
    return [*findings, found("folder", path=str(FOLDER), names=", ".join(names))]


def taken_account() -> list[Finding]:
    """An account of the wallet's name that may do more than the wallet's."""
    try:
        account = pwd.getpwnam(NAME)
    except KeyError:
        return []
    groups = sorted(each.gr_name for each in grp.getgrall() if NAME in each.gr_mem and each.gr_gid != account.pw_gid)
    has = [f"the home {account.pw_dir}"] if account.pw_dir != NO_HOME else []
    has += [f"the shell {account.pw_shell}"] if account.pw_shell not in NO_SHELLS else []
    has += [f"the groups {', '.join(groups)}"] if groups else []
    if not has:
        return []
    return [found("account", has=" and ".join(has))]
