"""Owns what is in force on the host beside what the release says: each deviation with its cure, and carrying the cures out.

What counts is what runs: a file may be right while systemd, PostgreSQL, nginx, sshd or the kernel go by an older one.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from payment_system_release import drift_services, drift_units, host_files, postgresql, proxy
from payment_system_release.content import REQUIREMENTS, unpacked
from payment_system_release.deviation import Cure, Deviation
from payment_system_release.environment import VENV, fresh_environment
from payment_system_release.host import CURRENT, FailedError, run, say
from payment_system_release.manifest import deviating, restore
from payment_system_release.serving import MAIN, start, stop

if TYPE_CHECKING:
    from payment_system_release.content import Release, Sent

# A file of the release that somebody else than the service reads, and who has to read it again.
READERS = {
    **{f"host/units/{unit}": Cure.SERVICE for unit in host_files.UNITS},
    **{f"host/units/{socket}": Cure.SOCKETS for socket in host_files.SOCKETS},
    f"host/{host_files.NGINX}": Cure.PROXY_READS,
    f"host/{host_files.NGINX_WALL}": Cure.PROXY,
    f"host/{host_files.POSTGRESQL_WALL}": Cure.DATABASE,
    **{f"host/{name}": Cure.DATABASE_READS for name in host_files.POSTGRESQL_SETTINGS},
}
ROUNDS = 3


def deviations(release: Release) -> list[Deviation]:
    """All that is not in force as this release says, or is in force beside it; nothing is changed."""
    return [
        *_content(release), *_links(release), *drift_units.deviations(release), *drift_services.deviations(release),
    ]


def mend(release: Release, sent: Sent) -> list[str]:
    """Have in force what the release says, and nothing beside it that can be taken away.

    Args:
        sent: the same release as it was sent; unpacked anew only when a file has to come from there.

    Returns: what was mended, a sentence each. What is not ours to mend is left.

    Raises: FailedError when something that was mended is not in force all the same.
    """
    mended: list[str] = []
    # What a file says only shows once systemd has read it, and may deviate, too.
    for _ in range(ROUNDS):
        curable = [each for each in deviations(release) if each.cures]
        if not curable:
            return mended
        for each in curable:
            say(f"This is mended: {each.sentence}")
        _mend(release, curable, sent)
        mended += [each.sentence for each in curable if each.sentence not in mended]
    left = [each.sentence for each in deviations(release) if each.cures]
    if left:
        raise FailedError(f"After all was mended, this is still so: {left[0]}")
    return mended


def _mend(release: Release, curable: list[Deviation], sent: Sent) -> None:
    if any(Cure.CONTENT in each.cures for each in curable):
        _restore(release, sent)
    for each in curable:
        each.undo()
    _carry_out(release, frozenset(cure for each in curable for cure in each.cures))


def _restore(release: Release, sent: Sent) -> None:
    with unpacked(sent) as folder:
        restore(release.folder, folder)
        if deviating(release.environment):
            with fresh_environment(sent.wheels, folder / REQUIREMENTS) as environment:
                restore(release.environment, environment)


def _carry_out(release: Release, cures: frozenset[Cure]) -> None:
    """In the order in which one thing needs another."""
    host_files.lead_there(release)
    run(["systemctl", "daemon-reload"], why="systemd does not read the units")
    if cures & {Cure.DATABASE, Cure.DATABASE_READS}:
        postgresql.take_up(release, anew=Cure.DATABASE in cures)
    if Cure.SOCKETS in cures:
        for unit in (MAIN, *host_files.SOCKETS):
            stop(unit)
    if cures & {Cure.SERVICE, Cure.SOCKETS}:
        # Whether it is ready is asked when all is mended: it may lack its tables, which is not for here.
        start(MAIN)
    if cures & {Cure.PROXY, Cure.PROXY_READS}:
        proxy.take_up(anew=Cure.PROXY in cures)
        with suppress(FailedError):
            proxy.check_served(release)
    if Cure.FIREWALL in cures:
        run(["systemctl", "reload-or-restart", drift_units.FIREWALL], why="The firewall's rules cannot be loaded")
    if Cure.SSH in cures:
        run(["systemctl", "reload", drift_services.SSH_UNIT], why="The SSH server does not read its settings")


def _content(release: Release) -> list[Deviation]:
    found = deviating(release.folder)
    if not release.environment.exists():
        found[VENV] = "missing"
    found |= {f"{VENV}/{name}": word for name, word in deviating(release.environment).items()}
    return [
        Deviation(
            f"The file {name} of the release is {word}. A deploy brings back the one that was sent.",
            frozenset({Cure.CONTENT, READERS.get(name, Cure.SERVICE)}),
        )
        for name, word in found.items()
    ]


def _links(release: Release) -> list[Deviation]:
    found = []
    for path, target in host_files.links(release).items():
        if not path.is_symlink() or path.readlink() != target:
            reader = READERS[str(target.relative_to(CURRENT))]
            found.append(Deviation(f"{path} is not the link to {target}. A deploy makes it again.", frozenset({Cure.LINKS, reader})))
    return found
