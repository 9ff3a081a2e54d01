"""Owns the gunicorn of `make run`: one child, awaited until it serves, and never left behind."""

from __future__ import annotations

import signal
import socket
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn

from app.devdb import tethered
from app.local.choices import CHECKOUT
from app.local.errors import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.devdb import Cluster

START_LIMIT_SECONDS: Final = 60
# For requests in flight. Shorter than in production: here somebody sits and waits, and a worker that was still starting never
# heard the first signal.
STOP_POLITELY_SECONDS: Final = 2
STOP_QUICKLY_SECONDS: Final = 10
LOOK_AGAIN_SECONDS: Final = 0.05
WATCH_SECONDS: Final = 0.5


@contextmanager
def serving(bind: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Gunicorn with the production settings, serving when the context begins and gone when it ends.

    Args:
        bind: host and port as gunicorn wants them.
        environment: all of the variables that it and the wallet get.

    Raises: LocalRunError when it does not come up.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        # Gunicorn says READY=1 as a systemd service does; an empty name lets the kernel choose a free one that is no file.
        ready.bind("")
        # The owner's way to the database is nothing the web server needs.
        own = {name: value for name, value in environment.items() if name not in ("DATABASE_OWNER_URL", "LISTEN_FDS", "LISTEN_PID")}
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", bind, "--log-level", "warning"]
        web_server = subprocess.Popen(  # nosec B603 # no shell; gunicorn, with what the developer chose
            # If we are killed it goes quickly, for it holds the port that the next run wants.
            tethered(command, signal=signal.SIGQUIT),
            cwd=CHECKOUT,
            env={**own, "NOTIFY_SOCKET": "@" + ready.getsockname()[1:].decode("ascii")},
            stdin=subprocess.DEVNULL,
            # Ctrl-C is for us: the web server stops first and the database after it.
            start_new_session=True,
        )
        try:
            _await_ready(ready, web_server)
            yield web_server
        finally:
            _stop(web_server)


def _await_ready(ready: socket.socket, web_server: subprocess.Popen[bytes]) -> None:
    ready.settimeout(LOOK_AGAIN_SECONDS)
    limit = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < limit:
        if web_server.poll() is not None:
            raise LocalRunError("The web server stopped while it started: mend what it says above, then start again.")
        with suppress(TimeoutError):
            if b"READY=1" in ready.recv(4096):
                return
    raise LocalRunError(f"The web server was not ready within {START_LIMIT_SECONDS} seconds: read what it says above.")


def await_end(web_server: subprocess.Popen[bytes], cluster: Cluster | None) -> NoReturn:
    """Raises: LocalRunError when it or our own PostgreSQL stops by itself, which they never should."""
    while (code := web_server.poll()) is None:
        if cluster is not None and cluster.process_id is None:
            raise LocalRunError(f"PostgreSQL stopped by itself, so all was stopped: read {cluster.log}, then start again.")
        time.sleep(WATCH_SECONDS)
    raise LocalRunError(f"The web server stopped by itself (exit code {code}), so all was stopped: read what it says above.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for signal_number, limit_seconds in ((signal.SIGTERM, STOP_POLITELY_SECONDS), (signal.SIGQUIT, STOP_QUICKLY_SECONDS)):
        process.send_signal(signal_number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(limit_seconds)
            return
    process.kill()
    process.wait()
