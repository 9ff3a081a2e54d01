"""Owns the units of the service: starting and stopping them, and whether what runs can do its work."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING, Final

from payment_system_release.host import FailedError, attempt, last_words

if TYPE_CHECKING:
    from payment_system_release.content import Release

MAIN: Final = "payment-system.service"
STANDBY_UNIT: Final = "payment-system-standby.service"
STANDBY_SOCKET: Final = "payment-system-standby.socket"
# Each unit has one of its own beside the one they share, so that the question reaches the right one.
PROBES: Final = {MAIN: "/run/payment-system-probe.sock", STANDBY_UNIT: "/run/payment-system-standby.sock"}
ANSWER_SECONDS: Final = 30
OK: Final = 200
NOT_LOADED: Final = 5


class _Probe(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def is_active(unit: str) -> bool:
    """Whether systemd has it running."""
    return attempt(["systemctl", "is-active", "--quiet", unit]).returncode == 0


def start(unit: str) -> None:
    """Start the unit anew. Returns when its program has loaded. Raises: FailedError with what the program said."""
    attempt(["systemctl", "reset-failed", unit])
    if attempt(["systemctl", "restart", unit]).returncode:
        raise FailedError(f"{unit} does not start: {said(unit)}")


def stop(unit: str) -> None:
    """Stop the unit; requests that it has are answered first. Raises: FailedError."""
    if attempt(["systemctl", "stop", unit]).returncode not in (0, NOT_LOADED):
        raise FailedError(f"{unit} does not stop: {said(unit)}")
    # One that ended by itself would be told of as failed for ever after.
    attempt(["systemctl", "reset-failed", unit])


def check_ready(unit: str, release: Release) -> None:
    """Ask the unit whether it can serve; the kernel keeps the question until a worker is there. Raises: FailedError with the reason."""
    probe = _Probe(PROBES[unit])
    try:
        probe.request("GET", "/readyz")
        answer = probe.getresponse()
        found = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FailedError(f"{unit} does not answer within {ANSWER_SECONDS} s ({error}): {said(unit)}") from error
    finally:
        probe.close()
    if answer.status != OK:
        raise FailedError(f"{unit} is not ready: {found.get('reason')}.")
    if found.get("release") != release.id:
        raise FailedError(f"{unit} serves the release {found.get('release')} instead of {release.id}.")


def is_serving(release: Release) -> bool:
    """Whether the service runs this release and can do its work."""
    try:
        if is_active(MAIN):
            check_ready(MAIN, release)
            return True
    except FailedError:
        pass
    return False


def said(unit: str) -> str:
    """The last words of the unit's program, without systemd's own."""
    invocation = attempt(["systemctl", "show", "--property=InvocationID", "--value", unit]).stdout.strip()
    if not invocation:
        return "it was never started"
    attempt(["journalctl", "--sync"])
    lines = attempt(["journalctl", "--output=cat", "--lines=30", f"_SYSTEMD_INVOCATION_ID={invocation}"]).stdout
    told = [_sentence(line) for line in lines.splitlines()]
    return last_words("\n".join(line for line in told if line))


def _sentence(line: str) -> str:
    """Of a JSON line, what is worth telling; any other as it stands."""
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict) or event.get("level") not in ("error", "critical", "warning"):
        return ""
    return last_words(str(event.get("traceback") or event.get("detail") or event.get("event")))
