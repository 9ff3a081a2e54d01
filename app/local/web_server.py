"""Owns the gunicorn process of `make run`: starts it, waits until it is ready, and always stops it."""

from __future__ import annotations

import signal
import socket
import subprocess  # nosec B404 # that it starts programs is looked at where it does
import sys
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NoReturn

from app.devdb import child_command
from app.local.errors import LocalRunError
from app.local.options import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.devdb import Cluster

START_LIMIT_SECONDS: Final = 60
# For requests in flight. Shorter than in production: a developer waits here, and a worker that is still starting misses the signal.
GRACEFUL_STOP_SECONDS: Final = 2
QUICK_STOP_SECONDS: Final = 10
POLL_SECONDS: Final = 0.05
WATCH_SECONDS: Final = 0.5


@contextmanager
def serving(bind: str, environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Gunicorn with the production settings. It serves when the context begins, and has stopped when the context ends.

    Args:
        bind: host and port in gunicorn's form.
        environment: all variables of the process.

    Raises: LocalRunError if it does not start.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
        # Gunicorn sends READY=1 as a systemd service does. With an empty name the kernel chooses a free abstract address.
        ready.bind("")
        # The web server does not need the owner's database URL.
        own = {name: value for name, value in environment.items() if name not in ("DATABASE_OWNER_URL", "LISTEN_FDS", "LISTEN_PID")}
        command = [sys.executable, "-m", "gunicorn", "--config", "gunicorn.conf.py", "--bind", bind, "--log-level", "warning"]
        web_server = subprocess.Popen(  # nosec B603 # no shell; gunicorn, with what the developer chose
            # If this process is killed, gunicorn stops quickly: the next run needs the port.
            child_command(command, signal=signal.SIGQUIT),
            cwd=CHECKOUT,
            env={**own, "NOTIFY_SOCKET": "@" + ready.getsockname()[1:].decode("ascii")},
            stdin=subprocess.DEVNULL,
            # Its own session: Ctrl-C reaches this process only, which stops the web server first and the database after it.
            start_new_session=True,
        )
        try:
            _await_ready(ready, web_server)
            yield web_server
        finally:
            _stop(web_server)


def _await_ready(ready: socket.socket, web_server: subprocess.Popen[bytes]) -> None:
    ready.settimeout(POLL_SECONDS)
    limit = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < limit:
        if web_server.poll() is not None:
            raise LocalRunError("The web server stopped while it started: mend what it says above, then start again.")
        with suppress(TimeoutError):
            if b"READY=1" in ready.recv(4096):
                return
    raise LocalRunError(f"The web server was not ready within {START_LIMIT_SECONDS} seconds: read what it says above.")


def wait_for_exit(web_server: subprocess.Popen[bytes], cluster: Cluster | None) -> NoReturn:
    """Raises: LocalRunError when the web server or our own PostgreSQL stops by itself."""
    while (code := web_server.poll()) is None:
        if cluster is not None and cluster.process_id is None:
            raise LocalRunError(f"PostgreSQL stopped by itself, so all was stopped: read {cluster.log}, then start again.")
        time.sleep(WATCH_SECONDS)
    raise LocalRunError(f"The web server stopped by itself (exit code {code}), so all was stopped: read what it says above.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    for signal_number, limit_seconds in ((signal.SIGTERM, GRACEFUL_STOP_SECONDS), (signal.SIGQUIT, QUICK_STOP_SECONDS)):
        process.send_signal(signal_number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(limit_seconds)
            return
    process.kill()
    process.wait()
