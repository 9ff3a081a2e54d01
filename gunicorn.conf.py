"""Owns how gunicorn serves the wallet, in production and behind `make run` alike. The wallet's own are in app/settings.py."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.systemd import sd_notify

wsgi_app = "app.asgi:create_entry()"

# Only this machine unless told otherwise: a proxy with TLS stands in front. Under systemd the socket that it holds is used instead.
bind = os.environ.get("GUNICORN_BIND", "127.0.0.1:5000")

# An event loop, so that payments which wait at the same time are posted together and reads wait beside each other; pages, and what
# else changes something, run in threads behind it.
# Two processes use two cores, and one serves while the other restarts.
worker_class = "asgi"
asgi_loop = "uvloop"
# A worker that cannot start says so and ends.
asgi_lifespan = "on"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_connections = 1000

# The application is loaded once, before the workers: a broken release then fails its start, and READY=1 tells systemd the truth.
preload_app = True

# A worker silent this long hangs and is replaced. Above the 5 s that the database gives one statement, and its retries.
timeout = 30
# What a request in flight may still take at a stop; below systemd's 90 s, after which everything is killed.
graceful_timeout = 20
# Longer than the 60 s that nginx keeps an idle connection to us, so that it is never us who closes one it is about to use.
keepalive = 75

# Our addresses and headers are short (a login token and a few more): refuse a flood of either before any of our code runs.
limit_request_line = 4096
limit_request_fields = 64
limit_request_field_size = 8190

# The heartbeat is a file touched every second: in memory a slow disk cannot get a healthy worker killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nosec B108 # noqa: S108 - gunicorn's file there has no name

# A way to command the server that nothing here uses is only a way in.
control_socket_disable = True


class NoAccessLog(Logger):
    """Without a line for each request: the application writes one itself, with the request's id."""

    access_log_enabled = False


logger_class = NoAccessLog
accesslog = None
errorlog = "-"
loglevel = "info"
# Gunicorn's own lines, and those of any library, are events like the application's. Without a level here, `loglevel` holds.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "app.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"handlers": ["stderr"], "propagate": False}},
}


def when_ready(server: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Have `systemctl status` tell which release serves."""
    release = os.environ.get("PAYMENT_SYSTEM_RELEASE_ID", "development")
    sd_notify(f"STATUS=The release {release} serves.", server.log)


def pre_fork(_server: Any, _worker: Any) -> None:  # noqa: ANN401 - as below
    """Have the garbage collector leave alone what was loaded: it stays, and workers go on sharing its memory."""
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Give each worker connections of its own, and have it end when it is told to before it can serve.

    A connection inherited from the parent would be shared with the other workers.
    """
    from app.asgi import STOP_SIGNALS  # loaded before the fork

    # Until its event loop runs, a worker has handlers that only note a signal: it would serve on until it is killed, with all that it has
    # taken. So a request to stop waits until the loop can hear it (app/asgi), and what was noted since the fork ends the worker here.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    noted = {server.SIG_QUEUE.get_nowait() for _ in range(server.SIG_QUEUE.qsize())}
    if noted & STOP_SIGNALS:
        sys.exit(0)
    worker.app.wsgi().running.forget_connections()
