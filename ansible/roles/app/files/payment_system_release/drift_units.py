"""Owns what systemd has loaded beside what the release's units say: files it has not read, other files, and drop-ins of others."""

from __future__ import annotations

import re
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from payment_system_release import proxy
from payment_system_release.deviation import Cure, Deviation
from payment_system_release.host import attempt, last_words
from payment_system_release.host_files import DROP_INS, NGINX_WALL, POSTGRESQL_VERSION, SOCKETS, UNIT_FOLDER, UNITS, read
from payment_system_release.replaced import REPLACED, carry, folder_of_now
from payment_system_release.serving import MAIN

if TYPE_CHECKING:
    from payment_system_release.content import Release

FIREWALL: Final = "payment-system-firewall.service"
PROPERTIES: Final = "--property=Id,LoadState,NeedDaemonReload,FragmentPath,DropInPaths,ExecStart"
# Where the operator and programs put what changes a unit; what Debian's packages bring is part of the unit.
OF_OTHERS: Final = (Path("/etc/systemd"), Path("/run/systemd"), Path("/usr/local/lib/systemd"))
PACKAGES: Final = Path("/usr/lib/systemd")
STARTED: Final = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
CURES: Final = {
    **dict.fromkeys(UNITS, Cure.SERVICE), **dict.fromkeys(SOCKETS, Cure.SOCKETS), proxy.UNIT: Cure.PROXY, FIREWALL: Cure.FIREWALL,
}


def deviations(release: Release) -> list[Deviation]:
    """Of the service, its sockets, the proxy, PostgreSQL and the firewall."""
    version = read(release, POSTGRESQL_VERSION).decode().strip()
    units = [*UNITS, proxy.UNIT, f"postgresql@{version}-main.service", FIREWALL]
    shown = attempt(["systemctl", "show", PROPERTIES, *units]).stdout
    loaded = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in shown.strip().split("\n\n")]
    return [found for each in loaded for found in _of_unit(release, each)]


def _of_unit(release: Release, loaded: dict[str, str]) -> list[Deviation]:
    unit = loaded["Id"]
    starts_anew = CURES.get(unit, Cure.DATABASE)
    found = [
        Deviation(
            f"{path} changes {unit} beside what the release says. A deploy moves it to {REPLACED}.",
            frozenset({Cure.UNITS, starts_anew}), partial(_set_aside, path),
        )
        for path in _of_others(unit, loaded)
    ]
    if loaded["NeedDaemonReload"] == "yes":
        found.append(Deviation(
            f"systemd goes by an older file of {unit} than the one that is there. A deploy has it read the new one.",
            frozenset({Cure.UNITS, starts_anew}),
        ))
    elif not found and _started_by(release, unit) not in ("", _starts(loaded)):
        found.append(Deviation(
            f"{unit} is started by `{_starts(loaded)}`, which is not what the release says. A deploy has systemd read its unit again.",
            frozenset({Cure.UNITS, starts_anew}),
        ))
    return found


def _of_others(unit: str, loaded: dict[str, str]) -> list[Path]:
    """Files in force for this unit that are neither ours nor a package's."""
    template = re.sub(r"@.*\.", "@.", unit)
    ours = {UNIT_FOLDER / unit, UNIT_FOLDER / f"{unit}.d/release.conf", DROP_INS / FIREWALL}
    ours |= {DROP_INS / f"{name}.d/payment-system.conf" for name in (unit, template)}
    paths = [Path(each) for each in (loaded["FragmentPath"], *shlex.split(loaded["DropInPaths"])) if each]
    # What holds for every unit of the host, such as `service.d`, is not about ours.
    special = [path for path in paths if path.parent.name not in ("service.d", "socket.d")]
    # Debian's generator leads postgresql@15-main to the package's own file.
    # No package of Debian's has units of the wallet's names.
    folders = (*OF_OTHERS, PACKAGES) if unit in UNITS else OF_OTHERS
    return [path for path in special if path not in ours and any(path.is_relative_to(each) for each in folders)
            and not path.is_relative_to("/run/systemd/generator")]


def _set_aside(path: Path) -> None:
    """Take it out of systemd's sight, and keep it."""
    carry({path: folder_of_now() / path.relative_to("/")})


def _started_by(release: Release, unit: str) -> str:
    """The command by which the release has the unit started; empty when it does not say."""
    name = {MAIN: f"units/{MAIN}", proxy.UNIT: NGINX_WALL}.get(unit, "")
    commands = re.findall(r"^ExecStart=(.+)$", read(release, name).decode(), re.MULTILINE) if name else []
    return " ".join(shlex.split(last_words("\n".join(commands)))) if commands else ""


def _starts(loaded: dict[str, str]) -> str:
    found = STARTED.search(loaded.get("ExecStart", ""))
    return found[1] if found else "nothing"
