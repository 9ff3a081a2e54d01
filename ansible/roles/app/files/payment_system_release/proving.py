"""Owns what can be known of a release's files for the host before any of them is in force."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Final

from payment_system_release import postgresql, proxy
from payment_system_release.host import CURRENT, PROOF, STANDBY, FailedError, attempt
from payment_system_release.host_files import NGINX_WALL, POSTGRESQL_VERSION, POSTGRESQL_WALL, STANDBY_UNITS, UNITS, read

if TYPE_CHECKING:
    from payment_system_release.content import Release

LED: Final = re.compile(rf"({re.escape(str(CURRENT))}|{re.escape(str(STANDBY))})(?=[/ \n])")
# Without what serves now, whose drop-ins would be added.
DEBIANS_UNITS: Final = "/usr/lib/systemd/system"


def prove(release: Release) -> None:
    """Whether systemd, nginx and PostgreSQL understand the files, and what they name is there. Raises: FailedError; nothing has changed."""
    shutil.rmtree(PROOF, ignore_errors=True)
    PROOF.mkdir(mode=0o755)
    try:
        _prove_units(release)
        proxy.prove(release)
        postgresql.prove(release)
    finally:
        shutil.rmtree(PROOF)


def _prove_units(release: Release) -> None:
    """What systemd would say of them; a word that it does not know is an error here. Source: systemd-analyze(1), verify."""
    walls = {NGINX_WALL: "nginx.service", POSTGRESQL_WALL: "postgresql@.service"}
    written = {unit: f"units/{unit}" for unit in (*UNITS, *STANDBY_UNITS)}
    written |= {f"{unit}.d/payment-system.conf": wall for wall, unit in walls.items()}
    for path, name in written.items():
        (PROOF / path).parent.mkdir(exist_ok=True)
        # As they will be read: what they name below the links is the release's own, which is not led to yet.
        content = LED.sub(str(release.folder), read(release, name).decode())
        (PROOF / path).write_text(content, encoding="utf-8")
    version = read(release, POSTGRESQL_VERSION).decode().strip()
    checked = attempt(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *(PROOF / unit for unit in (*UNITS, *STANDBY_UNITS)),
         "nginx.service", f"postgresql@{version}-main.service"],
        settings={"SYSTEMD_UNIT_PATH": f"{PROOF}:{DEBIANS_UNITS}"},
    )
    if checked.returncode:
        told = checked.stderr.strip().splitlines()
        raise FailedError(f"systemd cannot use the units of the new release: {told[0].rstrip('.') if told else 'it does not say why'}.")
