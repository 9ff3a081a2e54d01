"""Owns what deploys left whose releases had no files for the host: they wrote those in place, and a release takes them in.

So that going back to such a release is the same way as to any other. When no host has one any more, this module can go.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from payment_system_release.content import led_to
from payment_system_release.host import CURRENT, HOST_FOLDER, point
from payment_system_release.host_files import (
    DROP_INS,
    NGINX,
    NGINX_WALL,
    POSTGRESQL_SETTINGS,
    POSTGRESQL_VERSION,
    POSTGRESQL_WALL,
    STANDBY_UNITS,
    UNIT_FOLDER,
    UNITS,
    lead_there,
)

if TYPE_CHECKING:
    from payment_system_release.content import Release

CERTIFICATE_LINK: Final = Path("/etc/ssl/payment-system/in-use")


def take_in(release: Release) -> None:
    """Give a release of an earlier kind the files with which it served, in a form in which it can serve again."""
    folder = release.folder / HOST_FOLDER
    if folder.exists():
        return
    serving = led_to(CURRENT)
    partial = folder.with_name(f"{HOST_FOLDER}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    if serving and (serving.folder / HOST_FOLDER).exists():
        shutil.copytree(serving.folder / HOST_FOLDER, partial)
    else:
        for name, content in _in_force().items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    partial.rename(folder)


def move_over(release: Release) -> None:
    """Have the host find the files of this release, which serves, by links instead of in place. Nothing of what is in force changes."""
    written = [DROP_INS / unit for unit in (*UNITS, *STANDBY_UNITS) if (DROP_INS / unit).is_file()]
    if not written:
        return
    lead_there(release)
    for unit in UNITS:
        for wanting in DROP_INS.glob(f"*.wants/{unit}"):
            point(wanting, UNIT_FOLDER / unit)
    for path in written:
        path.unlink()


def _in_force() -> dict[str, str]:
    """What earlier deploys wrote, by the names that it has in a release."""
    settings = next(Path("/etc/postgresql").glob("*/main/conf.d/payment-system.conf")).parent
    current = f"{CURRENT}/{HOST_FOLDER}"
    files = {f"units/{unit}": (DROP_INS / unit).read_text(encoding="utf-8") for unit in (*UNITS, *STANDBY_UNITS)}
    certificate = CERTIFICATE_LINK.parent / CERTIFICATE_LINK.readlink()
    files[NGINX] = Path("/etc/nginx/nginx.conf").read_text(encoding="utf-8").replace(f"{CERTIFICATE_LINK}/", f"{certificate}/")
    wall = (DROP_INS / "nginx.service.d/payment-system.conf").read_text(encoding="utf-8")
    files[NGINX_WALL] = wall.replace("/usr/sbin/nginx -e stderr ", f"/usr/sbin/nginx -e stderr -c {current}/{NGINX} ")
    files[POSTGRESQL_WALL] = (DROP_INS / "postgresql@.service.d/payment-system.conf").read_text(encoding="utf-8")
    files[POSTGRESQL_VERSION] = f"{settings.parent.parent.name}\n"
    start, reload, may_come, is_who = POSTGRESQL_SETTINGS
    files[may_come] = (settings.parent / "pg_hba.conf").read_text(encoding="utf-8")
    files[is_who] = (settings.parent / "pg_ident.conf").read_text(encoding="utf-8")
    files[reload] = (settings / "payment-system.conf").read_text(encoding="utf-8")
    led = f"hba_file = '{current}/{may_come}'\nident_file = '{current}/{is_who}'\n"
    files[start] = (settings / "payment-system-start.conf").read_text(encoding="utf-8") + led
    return files
