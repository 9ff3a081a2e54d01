"""Owns the end of an installer by a kill, at the very moment when it has put something into the folder of the wallet."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.hosts import Host

FOLDER: Final = "/opt/payment-system"
KILL_SECONDS: Final = 60
# The kernel tells of each name that is made in the folder or moved there. Source: inotify(7), IN_MOVED_TO and IN_CREATE.
KILL: Final = """
import ctypes, os, subprocess
libc = ctypes.CDLL(None)
told = libc.inotify_init()
assert libc.inotify_add_watch(told, b"{folder}", 0x080 | 0x100) > 0
print("watching", flush=True)
while b"\\0{name}\\0" not in os.read(told, 65536):
    pass
subprocess.run(["systemctl", "kill", "--signal=KILL", "run-*.service"])
"""


@contextmanager
def killed_when_made(host: Host, name: str) -> Iterator[None]:
    """Within the context, an installer on this host ends when it makes `name` there, or moves it there.

    Raises: AssertionError when none did.
    """
    with subprocess.Popen(host.ssh(f"python3 -c '{KILL.format(folder=FOLDER, name=name)}'"), stdout=subprocess.PIPE) as watching:
        try:
            assert watching.stdout
            assert watching.stdout.readline() == b"watching\n"
            yield
            assert watching.wait(KILL_SECONDS) == 0
        finally:
            watching.kill()
