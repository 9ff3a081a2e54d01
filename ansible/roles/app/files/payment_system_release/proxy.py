"""Owns the proxy: proving a release's settings of it, having it run with them, and whether it serves that release to the outside."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from payment_system_release.host import CURRENT, HOST_FOLDER, FailedError, attempt, last_words, run
from payment_system_release.host_files import NGINX, NGINX_WALL, differ, read
from payment_system_release.serving import ANSWER_SECONDS, said, start

if TYPE_CHECKING:
    from payment_system_release.content import Release

UNIT: Final = "nginx.service"
HERE: Final = ("127.0.0.1", 443)
# After a reload a worker of before may take one more connection, and new ones need a moment to be there.
TAKE_UP_SECONDS: Final = 10
# What nginx calls a worker that takes no more connections.
ENDING: Final = "is shutting down"


def prove(release: Release) -> None:
    """Whether nginx can use the settings, by asking its program; the one that runs notices nothing. Raises: FailedError."""
    checked = attempt(["nginx", "-e", "stderr", "-t", "-q", "-c", release.host_file(NGINX)])
    if checked.returncode:
        # The last line says that there is something wrong, the one before it what.
        told = [line.partition("[emerg]")[2].strip() for line in checked.stderr.splitlines() if "[emerg]" in line]
        cause = told[0] if told else last_words(checked.stderr)
        raise FailedError(f"nginx cannot use the settings of the new release: {cause}.")


def have_in_force(release: Release | None, before: Release | None) -> None:
    """Have the proxy run with the settings of this release, started anew only when its unit is another.

    Args:
        release: to which `current` leads; with none, Debian's own settings are meant.
        before: what it ran with until now, if that is known.

    Raises: FailedError.
    """
    if release is None and not read(before, NGINX):
        return
    if attempt(["systemctl", "is-enabled", "--quiet", UNIT]).returncode:
        run(["systemctl", "enable", "--quiet", UNIT], why="The proxy cannot be started with the host")
    if differ(release, before, NGINX_WALL) or not _reads_current():
        start(UNIT)
    elif differ(release, before, NGINX) or (release and not is_served(release)):
        _reload()


def take_up(*, anew: bool) -> None:
    """Have the proxy read its settings now, or start anew. Raises: FailedError."""
    if anew or not _reads_current():
        start(UNIT)
    else:
        _reload()


def taken_up_at() -> float | None:
    """When the proxy last read its settings, which its youngest worker has; None when none runs."""
    booted = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(encoding="utf-8"), re.MULTILINE)
    process = _main_process()
    workers = _workers() if process else set()
    if not (booted and workers):
        return None
    # Behind the program's name, which may hold anything. Source: proc(5), /proc/[pid]/stat, starttime.
    started = [int(Path(f"/proc/{worker}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]) for worker in workers]
    return int(booted[1]) + max(started) / os.sysconf("SC_CLK_TCK")


def is_served(release: Release) -> bool:
    """Whether the proxy serves this release to the outside now."""
    return not _wrong(release)


def check_served(release: Release) -> None:
    """Ask from outside, by TLS and under the right name: the release has to answer, with the certificate that its settings name.

    Raises: FailedError with what is served instead.
    """
    end = time.monotonic() + TAKE_UP_SECONDS
    while wrong := _wrong(release):
        if time.monotonic() > end:
            raise FailedError(f"Port 443 does not serve the release {release.id}: {wrong}.")
        time.sleep(0.1)


def _wrong(release: Release) -> str:
    """What is not as it should be, if anything."""
    unlooked = ssl.create_default_context()
    # Who issued it is not the question; whether it is the very one that is meant is asked below.
    unlooked.check_hostname, unlooked.verify_mode = False, ssl.CERT_NONE
    name = release.domain
    asked = http.client.HTTPSConnection(name or HERE[0], timeout=ANSWER_SECONDS, context=unlooked)
    try:
        asked.sock = unlooked.wrap_socket(socket.create_connection(HERE, ANSWER_SECONDS), server_hostname=name or None)
        shown = asked.sock.getpeercert(binary_form=True)
        asked.request("GET", "/readyz")
        answer = asked.getresponse()
        found = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{error}"
    finally:
        asked.close()
    if release.certificate and shown != _first(release.certificate):
        return f"the certificate that is shown is not {release.certificate}"
    if found.get("release") != release.id:
        return f"{found.get('release') or found.get('errors') or found} answers"
    return "" if answer.status == http.client.OK else f"it is not ready: {found.get('reason')}"


def _first(certificates: Path) -> bytes:
    """The first of a file, which is the host's own; those of its issuers follow."""
    whole, end, _ = certificates.read_text(encoding="utf-8").partition(ssl.PEM_FOOTER)
    return ssl.PEM_cert_to_DER_cert(whole + end)


def _reads_current() -> bool:
    """Whether the proxy runs, and with the settings of `current`: its process tells with which it was started."""
    process = _main_process()
    return process > 0 and str(CURRENT / HOST_FOLDER / NGINX) in Path(f"/proc/{process}/cmdline").read_text(encoding="utf-8")


def _main_process() -> int:
    return int(run(["systemctl", "show", "--property=MainPID", "--value", UNIT], why="systemd does not know the proxy"))


def _reload() -> None:
    """Have it read its settings, and wait until only workers with them take connections. Raises: FailedError with what it says."""
    before = _workers()
    run(["systemctl", "reload", UNIT], why="The proxy does not read its settings")
    end = time.monotonic() + TAKE_UP_SECONDS
    # One of before would answer as before, and what is wrong would not show.
    while not _workers() - before or _workers() & before:
        if time.monotonic() > end:
            raise FailedError(f"The proxy did not take up its settings: {said(UNIT)}")
        time.sleep(0.05)


def _workers() -> set[str]:
    """The processes that take connections; one that was told to end only finishes those that it has."""
    process = _main_process()
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
    return {child for child in children if ENDING not in _title(child)}


def _title(process: str) -> str:
    try:
        return Path("/proc", process, "cmdline").read_text(encoding="utf-8")
    except OSError:
        return ENDING
