"""Owns the names on the host that the wallet takes - units, files, folders, the account - and finds them taken by somebody else."""

from __future__ import annotations

import grp
import pwd
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .findings import Finding, found
from .host import is_from_a_deploy, is_there, said, unit_of

if TYPE_CHECKING:
    from .host import Listener

NAME: Final = "payment-system"
UNITS: Final = tuple(f"{NAME}{each}" for each in (".service", ".socket", "-probe.socket"))
STANDBY_UNITS: Final = tuple(f"{NAME}-standby{each}" for each in (".service", ".socket"))
FIREWALL_UNIT: Final = f"{NAME}-firewall.service"
UNIT_FOLDERS: Final = tuple(map(Path, ("/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")))
# What a unit is for, in the words of deploys; those of now keep that in the release, and say so in an empty unit.
UNIT_MARK: Final = (r"^# What it is, the release that serves says|"
                    r"^Description=(Wave, the payment wallet|Where the (proxy|service|standby) |Firewall of the payment system)")
FILES: Final = {
    "/usr/local/bin/payment-system": r"^# The wallet's own commands",
    "/usr/local/sbin/payment-system-release": r"^# Installs a release",
    "/etc/logrotate.d/payment-system": r"^# Who had which release installed",
    "/etc/payment-system-firewall.nft": r"^# Only a table of our own is replaced",
    "/etc/payment-system/payment-system.env": r"(?!)",
}
FOLDER: Final = Path("/opt/payment-system")
# What a deploy puts there; `.current.new` is on its way to be `current`.
FOLDER_NAMES: Final = re.compile(
    r"current|environments|former|incoming|installer\.pyz|moving|previous|releases|replaced|standby|\..*\.new|\.ansible_.*")
LINKS: Final = ("current", "previous", "standby")
# What is in those of which a deploy removes what is old.
FOLDERS: Final = {
    "environments": re.compile(r"wheels-[0-9a-f]{12}(\.partial)?"),
    "incoming": re.compile(r"(program-|wheels-)?[0-9a-f]{12,64}\.[a-z.]+|\.ansible_.*"),
    "releases": re.compile(r"[0-9a-f]{12}(\.partial)?"),
}
CRONTAB: Final = Path("/var/spool/cron/crontabs", NAME)
NO_SHELLS: Final = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false")
NO_HOME: Final = "/nonexistent"


def taken_units(listeners: list[Listener]) -> list[Finding]:
    """Units of the wallet's names, and what is added to them."""
    if any(is_from_a_deploy(folder / unit, UNIT_MARK) for folder in UNIT_FOLDERS for unit in UNITS):
        # Once these are the wallet's, what is beside them is told of as a deviation, and mended.
        return _at_once((*STANDBY_UNITS, FIREWALL_UNIT))
    findings = _at_once((FIREWALL_UNIT,))
    names = (*UNITS, *STANDBY_UNITS)
    taken = [path for unit in names for path in _of_unit(unit)]
    states = dict(zip(names, said("systemctl", "is-active", *names).split(), strict=False))
    active = [unit for unit in names if states.get(unit) in ("active", "activating", "reloading")]
    running = [unit for unit in active if any(path.name == unit for path in taken)]
    passing = [unit for unit in active if unit not in running]
    if passing:
        findings.append(found("unit_without_file", runs=" ".join(passing)))
    if not taken:
        return findings
    paths = tuple(map(str, taken))
    if not running:
        return [*findings, found("unit", files=paths)]
    ports = sorted({str(each.port) for each in listeners if each.unit in running})
    runs = f"{' and '.join(running)} {'runs' if len(running) == 1 else 'run'}"
    return [*findings, found("unit_runs", files=paths, runs=runs, names=" ".join(running),
                             ports=f" (port {' and '.join(ports)})" if ports else "")]


def _at_once(units: tuple[str, ...]) -> list[Finding]:
    """Of units that no move from one release to another brings. Once one is the wallet's, what is beside it is a deviation."""
    foreign = [unit for unit in units if not any(is_from_a_deploy(folder / unit, UNIT_MARK) for folder in UNIT_FOLDERS)]
    taken = tuple(str(path) for unit in foreign for path in _of_unit(unit))
    return [found("unit_at_once", files=taken)] if taken else []


def _of_unit(unit: str) -> list[Path]:
    """Its files that are not from a deploy, and what is added to it."""
    places = [folder / unit for folder in UNIT_FOLDERS]
    places += [path for folder in UNIT_FOLDERS for name in ("d", "wants", "requires")
               for path in sorted((folder / f"{unit}.{name}").glob("[!.]*"))]
    return [path for path in places if is_there(path) and not is_from_a_deploy(path, UNIT_MARK)]


def taken_files() -> list[Finding]:
    """Files of the wallet's names, and its folder with what no deploy puts there."""
    paths = tuple(path for path, mark in FILES.items() if is_there(Path(path)) and not is_from_a_deploy(Path(path), mark))
    findings = [found("file", files=paths)] if paths else []
    return findings if (FOLDER / "installer.pyz").exists() or not is_there(FOLDER) else [*findings, *_in_folder()]


def _in_folder() -> list[Finding]:
    """What no deploy put into a folder where none has sent its installer yet, as it does before all else."""
    if not FOLDER.is_dir():
        return [found("folder_in_use", path=str(FOLDER.parent), names=FOLDER.name)]
    paths = sorted(FOLDER.iterdir())
    in_use = [path.name for path in paths if FOLDER_NAMES.fullmatch(path.name) and not _may_be_from_a_deploy(path)]
    beside = [path.name for path in paths if not FOLDER_NAMES.fullmatch(path.name)]
    return [found(kind, path=str(FOLDER), names=", ".join(names))
            for kind, names in (("folder_in_use", in_use), ("folder", beside)) if names]


def _may_be_from_a_deploy(path: Path) -> bool:
    """Whether something of a name that deploys use looks like theirs."""
    if path.name in LINKS:
        return path.is_symlink() and path.readlink().parent == FOLDER / "releases"
    if path.name not in FOLDERS:
        return True
    return path.is_dir() and all(FOLDERS[path.name].fullmatch(each.name) for each in path.iterdir())


def taken_account() -> list[Finding]:
    """An account of the wallet's name that may do more than the wallet's, or is somebody else's at this moment."""
    try:
        account = pwd.getpwnam(NAME)
    except KeyError:
        return []
    if (FOLDER / "current").is_symlink():
        # Once it is the wallet's, the deploy mends it.
        return []
    groups = sorted(each.gr_name for each in grp.getgrall() if NAME in each.gr_mem and each.gr_gid != account.pw_gid)
    has = [f"the home {account.pw_dir}"] if account.pw_dir != NO_HOME else []
    has += [f"the shell {account.pw_shell}"] if account.pw_shell not in NO_SHELLS else []
    has += [f"the groups {', '.join(groups)}"] if groups else []
    findings = [found("account", has=" and ".join(has))] if has else []
    group = grp.getgrgid(account.pw_gid).gr_name
    if group != NAME:
        findings.append(found("account_group", group=group))
    others = _run_by(account.pw_uid) - {*UNITS, *STANDBY_UNITS}
    others |= {str(CRONTAB)} if CRONTAB.exists() else set()
    return [*findings, found("account_runs", names=" and ".join(sorted(others)))] if others else findings


def _run_by(account: int) -> set[str]:
    """What runs as this account, by units."""
    found_units = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == account:
                found_units.add(unit_of(process.name) or (process / "comm").read_text(encoding="utf-8").strip())
        except OSError:  # it has ended meanwhile
            continue
    return found_units
