"""Owns the files of a release that the host reads: units, the proxy's and PostgreSQL's settings, and the links by which it finds them.

Each link leads through `current`, so that turning that one link changes all of them from one moment to the next, also for a host that
starts again just then. systemd finds the units as drop-ins of empty ones: `systemctl enable` would lead a link to the unit itself past
`current`, to the release of that day.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from payment_system_release.host import CURRENT, HOST_FOLDER, point, write

if TYPE_CHECKING:
    from payment_system_release.content import Release

SOCKETS: Final = ("payment-system.socket", "payment-system-probe.socket")
UNITS: Final = ("payment-system.service", *SOCKETS)
STANDBY_UNITS: Final = ("payment-system-standby.service", "payment-system-standby.socket")
UNIT_FOLDER: Final = Path("/usr/local/lib/systemd/system")
# Gone after a restart of the host, as the standby is.
STANDBY_UNIT_FOLDER: Final = Path("/run/systemd/system")
DROP_INS: Final = Path("/etc/systemd/system")
NGINX: Final = "nginx.conf"
NGINX_WALL: Final = "nginx.service.conf"
POSTGRESQL_WALL: Final = "postgresql/postgresql@.service.conf"
POSTGRESQL_SETTINGS: Final = ("postgresql/start.conf", "postgresql/reload.conf", "postgresql/pg_hba.conf", "postgresql/pg_ident.conf")
POSTGRESQL_VERSION: Final = "postgresql/version"
EMPTY_UNIT: Final = "# What it is, the release that serves says: {unit}.d/release.conf, by /opt/payment-system/current.\n"


def read(release: Release | None, name: str) -> bytes:
    """The content of a file; empty when the release has none, and when there is no release."""
    path = release.host_file(name) if release else None
    return path.read_bytes() if path and path.is_file() else b""


def differ(one: Release | None, other: Release | None, *names: str) -> bool:
    """Whether any of these files of one release is not what it is in the other."""
    return any(read(one, name) != read(other, name) for name in names)


def links(release: Release | None) -> dict[Path, Path]:
    """Where the host looks for the release's files, each with where it is led to."""
    if release is None:
        return {}
    settings = Path("/etc/postgresql", read(release, POSTGRESQL_VERSION).decode().strip(), "main/conf.d")
    wanted = {
        **{UNIT_FOLDER / f"{unit}.d/release.conf": f"units/{unit}" for unit in UNITS},
        DROP_INS / "nginx.service.d/payment-system.conf": NGINX_WALL,
        DROP_INS / "postgresql@.service.d/payment-system.conf": POSTGRESQL_WALL,
        settings / "payment-system-start.conf": POSTGRESQL_SETTINGS[0],
        settings / "payment-system.conf": POSTGRESQL_SETTINGS[1],
    }
    return {path: CURRENT / HOST_FOLDER / name for path, name in wanted.items() if release.host_file(name).is_file()}


def is_ours(path: Path) -> bool:
    """Whether it is an empty unit of ours, a link to such a one, or a link to a file of the release that serves."""
    unit = path.readlink() if path.is_symlink() else path
    if unit.is_relative_to(CURRENT):
        return True
    is_file = unit.parent == UNIT_FOLDER and unit.is_file() and not unit.is_symlink()
    return is_file and unit.read_bytes() == EMPTY_UNIT.format(unit=unit.name).encode()


def turn(release: Release | None, before: Release | None) -> None:
    """Have `current` lead to the release, and all that the host reads with it. No link leads nowhere at any moment."""
    wanted = links(release)
    for path in links(before).keys() - wanted.keys():
        if is_ours(path):
            path.unlink()
    if release is None:
        for path in (UNIT_FOLDER / unit for unit in UNITS):
            if is_ours(path):
                path.unlink()
        CURRENT.unlink(missing_ok=True)
        return
    point(CURRENT, release.folder)
    lead_there(release)


def lead_there(release: Release) -> None:
    """Have the host find the files of this release, to which `current` leads."""
    for unit in UNITS:
        if not (UNIT_FOLDER / unit).is_file():
            UNIT_FOLDER.mkdir(parents=True, exist_ok=True)
            write(UNIT_FOLDER / unit, EMPTY_UNIT.format(unit=unit))
    for path, target in links(release).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_symlink() or path.readlink() != target:
            point(path, target)
