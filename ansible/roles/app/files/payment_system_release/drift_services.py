"""Owns what the running programs go by beside what is written: the service, PostgreSQL, nginx, sshd and the kernel's firewall."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from payment_system_release import postgresql, proxy
from payment_system_release.content import SETTINGS
from payment_system_release.deviation import Cure, Deviation
from payment_system_release.host import FailedError, attempt, run
from payment_system_release.host_files import NGINX, POSTGRESQL_SETTINGS
from payment_system_release.serving import MAIN

if TYPE_CHECKING:
    from payment_system_release.content import Release

OURS: Final = ("PAYMENT_SYSTEM_", "DATABASE_", "WEB_CONCURRENCY", "FLASK_", "GUNICORN_", "PYTHON")
RULES: Final = Path("/etc/payment-system-firewall.nft")
TABLE: Final = ["nft", "--json", "list", "table", "inet", "payment_system"]
# What comes in passes all of these, whosever they are.
HOOKS: Final = ("input", "prerouting", "ingress")
# The kernel tells when it was started in whole seconds.
CLOCK_SECONDS: Final = 2
SSH_UNIT: Final = "ssh.service"
SSH_SETTINGS: Final = Path("/etc/ssh/sshd_config.d/00-payment-system.conf")


def deviations(release: Release) -> list[Deviation]:
    """Of what runs."""
    return [*_of_service(release), *_of_database(release), *_of_proxy(release), *_of_firewall(), *_of_ssh()]


def _of_service(release: Release) -> list[Deviation]:
    """What the process was started with. One that does not run is told as not ready."""
    process = Path("/proc", attempt(["systemctl", "show", "--property=MainPID", "--value", MAIN]).stdout.strip() or "0")
    try:
        folder = (process / "cwd").resolve()
        has = dict(each.split("=", 1) for each in (process / "environ").read_text(encoding="utf-8").split("\0") if "=" in each)
    except OSError:
        return []
    found = []
    if folder != release.folder:
        found.append(f"The service runs from {folder}, not from {release.folder}")
    wants = _settings(release)
    others = sorted({name for name in {*has, *wants} if name.startswith(OURS) and has.get(name) != wants.get(name)})
    # Never the values: a database's address may hold a password.
    found += [f"The service runs with {'another ' if name in wants else ''}{name} than its settings say" for name in others]
    return [Deviation(f"{sentence}. A deploy starts it anew.", frozenset({Cure.SERVICE})) for sentence in found]


def _settings(release: Release) -> dict[str, str]:
    """As systemd reads them. Source: systemd.exec(5), EnvironmentFile."""
    lines = (release.folder / SETTINGS).read_text(encoding="utf-8").splitlines()
    return {name: value.strip().strip("\"'") for name, is_set, value in (line.partition("=") for line in lines)
            if is_set and not name.startswith("#")}


def _of_database(release: Release) -> list[Deviation]:
    try:
        overridden, pending, read_at = postgresql.in_force()
        of_roles = postgresql.of_roles()
    except FailedError as error:
        return [Deviation(f"PostgreSQL could not be asked what it goes by ({error}).", frozenset({Cure.DATABASE}))]
    found = []
    for name, where in overridden:
        if where.endswith("postgresql.auto.conf"):
            found.append(Deviation(
                f"PostgreSQL goes by {name} from `ALTER SYSTEM`, not from the release. A deploy resets it.",
                frozenset({Cure.DATABASE_READS}), partial(postgresql.reset, name),
            ))
        else:
            found.append(Deviation(
                f"PostgreSQL goes by {name} from {where or 'its command line'}, not from the release. "
                "That file is not ours to change: take the line out and deploy again.",
            ))
    found += [
        Deviation(
            f"PostgreSQL goes by a {name} of its own for {whose}, not by the release. A deploy resets it and starts the service anew.",
            frozenset({Cure.SERVICE}), partial(postgresql.take_back, statement),
        )
        for name, whose, statement in of_roles
    ]
    found += [
        Deviation(f"PostgreSQL goes by an older {name} until it starts anew. A deploy starts it anew.", frozenset({Cure.DATABASE_READS}))
        for name in pending
    ]
    if any(release.host_file(name).stat().st_mtime > read_at for name in POSTGRESQL_SETTINGS if release.host_file(name).is_file()):
        found.append(Deviation("PostgreSQL has not read its settings since they were written. A deploy has it read them.",
                               frozenset({Cure.DATABASE_READS})))
    return found


def _of_proxy(release: Release) -> list[Deviation]:
    written, took_up = release.host_file(NGINX), proxy.taken_up_at()
    if took_up is None or not written.is_file() or written.stat().st_mtime <= took_up + CLOCK_SECONDS:
        return []
    return [Deviation("nginx has not read its settings since they were written. A deploy has it read them.", frozenset({Cure.PROXY_READS}))]


def _of_firewall() -> list[Deviation]:
    """Whether our rules are those of our file, which is loaded in a network of its own to compare, and who else has rules there."""
    if not RULES.is_file():
        return []
    load = f"nft --file {RULES} && exec {' '.join(TABLE)}"
    wanted = _rules(run(["unshare", "--net", "sh", "-c", load], why="The firewall's rules cannot be read"))
    found = []
    if _rules(attempt(TABLE).stdout) != wanted:
        found.append(Deviation(f"The firewall's rules in force are not those of {RULES}. A deploy loads them.", frozenset({Cure.FIREWALL})))
    ruleset = _rules(attempt(["nft", "--json", "list", "ruleset"]).stdout)
    found += [
        Deviation(f"The rules of {table} filter what comes in beside ours (`nft list table {table}`). "
                  "They are not ours to change: take them out, or leave them if you know them.")
        for table in sorted(_others_that_filter(ruleset))
    ]
    return found


def _rules(told: str) -> list[dict[str, Any]]:
    """What nft prints, without what differs from load to load."""
    if not told.strip():
        return []
    return [each for each in json.loads(told, object_hook=_plain)["nftables"] if "metainfo" not in each]


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in ("handle", "index", "packets", "bytes")}


def _others_that_filter(ruleset: list[dict[str, Any]]) -> set[str]:
    """The tables of others with a chain where packets come in, and something in them that turns some away."""
    chains = [each["chain"] for each in ruleset if "chain" in each]
    tables = {(chain["family"], chain["table"]) for chain in chains if chain.get("hook") in HOOKS}
    turning = {(chain["family"], chain["table"]) for chain in chains if chain.get("policy") == "drop"}
    for rule in (each["rule"] for each in ruleset if "rule" in each):
        if any("drop" in part or "reject" in part or "accept" in part for part in rule["expr"]):
            turning.add((rule["family"], rule["table"]))
    return {f"{family} {table}" for family, table in tables & turning if (family, table) != ("inet", "payment_system")}


def _of_ssh() -> list[Deviation]:
    if not SSH_SETTINGS.is_file():
        return []
    wanted, found = _effective("-f", str(SSH_SETTINGS)), _effective()
    given = {line.split()[0].lower() for line in SSH_SETTINGS.read_text(encoding="utf-8").splitlines() if line and line[0].isalpha()}
    deviating = [
        Deviation(f"sshd goes by another {keyword} than {SSH_SETTINGS} says. Another file says it before: make sure that "
                  "/etc/ssh/sshd_config begins with `Include /etc/ssh/sshd_config.d/*.conf`, and deploy again.")
        for keyword in sorted(given) if keyword in wanted and wanted[keyword] != found.get(keyword)
    ]
    files = [Path("/etc/ssh/sshd_config"), *sorted(SSH_SETTINGS.parent.glob("*.conf"))]
    deviating += [
        Deviation(f"{path} has sshd go by another {keyword} for those of whom a `Match` block speaks. It is not ours to change: take the "
                  "line out, or leave it if you know it.")
        for path in files for keyword in _of_match_blocks(path) if keyword in given
    ]
    written = max(path.stat().st_mtime for path in files)
    shown = attempt(["systemctl", "show", "--timestamp=unix", "--property=StateChangeTimestamp", "--value", SSH_UNIT]).stdout
    read_at = re.fullmatch(r"@(\d+)", shown.strip())
    # systemd tells whole seconds.
    if read_at and written >= int(read_at[1]) + 1:
        unread = "sshd has not read its settings since they were written. A deploy has it read them."
        deviating.append(Deviation(unread, frozenset({Cure.SSH})))
    return deviating


def _of_match_blocks(path: Path) -> list[str]:
    """The keywords that a file sets for some connections alone: they go before what is set for all. Source: sshd_config(5), Match."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    words = [line[0].lower() for line in lines if line]
    return sorted(set(words[words.index("match") + 1:]) - {"match"}) if "match" in words else []


def _effective(*options: str) -> dict[str, list[str]]:
    """What sshd says of its settings, each with all its values. Source: sshd(8), -T."""
    found: dict[str, list[str]] = {}
    for keyword, _, value in (line.partition(" ") for line in attempt(["sshd", "-T", *options]).stdout.splitlines()):
        found.setdefault(keyword, []).append(value)
    return found
