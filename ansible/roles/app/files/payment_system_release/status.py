"""Owns what an operator wants to know of a host at a glance: what serves, whether it is well, and what will need them soon."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from payment_system_release.books import read_books
from payment_system_release.content import led_to
from payment_system_release.drift import deviations
from payment_system_release.host import AUDIT, CURRENT, PREVIOUS, RELEASES, FailedError, attempt
from payment_system_release.proxy import is_served
from payment_system_release.serving import MAIN, is_serving

if TYPE_CHECKING:
    from pathlib import Path

EXPOSURE: Final = re.compile(r"exposure level for (\S+): ([0-9.]+)")
LONGEST_LINE_BYTES: Final = 4096
WALLED: Final = (MAIN, "nginx.service", "postgresql@*.service")


def status() -> dict[str, Any]:
    """Everything as plain values; None for what cannot be known now."""
    current, previous = led_to(CURRENT), led_to(PREVIOUS)
    disk = shutil.disk_usage("/var/lib")
    try:
        books = asdict(read_books()) if current else None
    except FailedError:
        books = None
    return {
        "release": current.id if current else None, "version": current.version if current else "",
        "ready": bool(current and is_serving(current)),
        "reached": bool(current and is_served(current)),
        "previous": previous.id if previous else None,
        "releases": sorted(path.name for path in RELEASES.iterdir()) if RELEASES.exists() else [],
        "last": _last_change(), "books": books,
        "disk_free_gigabytes": round(disk.free / 1e9, 1), "disk_used_percent": round(100 * disk.used / disk.total),
        "certificate_days_left": _days_left(current.certificate) if current and current.certificate else None, "exposure": _exposure(),
        "drift": [each.sentence for each in deviations(current)] if current else [],
    }


def told(found: dict[str, Any]) -> str:
    """The same in lines for people."""
    books, last, days = found["books"], found["last"], found["certificate_days_left"]
    lines = {
        "Release": f"{found['release'] or 'none yet'}, {_told_of_health(found)}",
        "Version": found["version"] or "not known",
        "Before it": found["previous"] or "none",
        "Last change": "{time} by {by}, {seconds} s, {requests_failed} requests failed".format(**last) if last else "none",
        "Books": _told_of_books(books) if books else "cannot be read",
        "Disk": f"{found['disk_free_gigabytes']} GB free, {found['disk_used_percent']} % used",
        "Certificate": "none" if days is None else f"good for {days} days",
        "Exposure": ", ".join(f"{unit} {score}" for unit, score in found["exposure"].items()),
    }
    drift = [f"{'Drift':<12} {sentence}" for sentence in found["drift"] or ["none"]]
    return "\n".join([*(f"{name:<12} {value}" for name, value in lines.items()), *drift])


def _told_of_health(found: dict[str, Any]) -> str:
    if not found["ready"]:
        return "NOT READY"
    return "ready" if found["reached"] else "ready, but NOT REACHED through the proxy"


def _told_of_books(books: dict[str, Any]) -> str:
    balanced = "balanced" if books["balanced"] else "NOT BALANCED"
    return f"{balanced}, {books['transfers']:,} transfers on {books['accounts']:,} accounts"


def _last_change() -> dict[str, Any] | None:
    """The last audit line; just after the file was rotated, that of the one before."""
    for path in (AUDIT, AUDIT.with_name(f"{AUDIT.name}.1")):
        if path.exists() and path.stat().st_size:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LONGEST_LINE_BYTES))
                found: dict[str, Any] = json.loads(file.read().splitlines()[-1])
            return found
    return None


def _days_left(certificate: Path) -> int | None:
    done = attempt(["openssl", "x509", "-noout", "-enddate", "-in", certificate])
    if done.returncode:
        return None
    end = datetime.strptime(done.stdout.strip().removeprefix("notAfter="), "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
    return (end - datetime.now(UTC)).days


def _exposure() -> dict[str, float]:
    """By the names of the units that run. Source: systemd-analyze(1), security."""
    listed = attempt(["systemctl", "list-units", "--plain", "--no-legend", "--type=service", *WALLED]).stdout
    units = [line.split()[0] for line in listed.splitlines()]
    found = "\n".join(attempt(["systemd-analyze", "security", "--no-pager", unit]).stdout for unit in units)
    return {unit: float(score) for unit, score in EXPOSURE.findall(found)}
