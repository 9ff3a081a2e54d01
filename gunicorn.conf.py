"""Owns the settings of gunicorn, in production and for `make run`. The wallet's settings are in app/settings.py."""

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

# Only this machine by default: a proxy with TLS is in front. Under systemd gunicorn uses systemd's socket instead.
bind = os.environ.get("GUNICORN_BIND", "127.0.0.1:5000")

# An event loop: payments that wait at the same time are posted in one batch, and reads wait concurrently. Pages and other changes run
# in threads behind it.
# Two processes use two cores, and one serves while the other restarts.
worker_class = "asgi"
asgi_loop = "uvloop"
# A worker that cannot start logs the reason and ends.
asgi_lifespan = "on"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_connections = 1000

# The application is loaded once, before the fork: a broken release fails at its start, and READY=1 means that it has loaded.
preload_app = True

# A worker without a heartbeat for this long is replaced. Longer than the statement time-out of 5 s with its retries.
timeout = 30
# At a stop, requests in flight have this long to finish. Shorter than systemd's 90 s, after which it kills everything.
graceful_timeout = 20
# Longer than nginx keeps an idle connection (60 s), so that gunicorn never closes a connection that nginx is about to use.
keepalive = 75

# The wallet's URLs and headers are short: larger ones are refused before any of our code runs.
limit_request_line = 4096
limit_request_fields = 64
limit_request_field_size = 8190

# The heartbeat is a file that is touched every second. It is in memory, so that a slow disk does not get a healthy worker killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # nosec B108 # noqa: S108 - gunicorn's file there has no name

# Not used here, so it is switched off.
control_socket_disable = True


class NoAccessLog(Logger):
    """Writes no access log: the application logs each request itself, with its id."""

    access_log_enabled = False


logger_class = NoAccessLog
accesslog = None
errorlog = "-"
loglevel = "info"
# Gunicorn's and all libraries' log lines are JSON events, too. The logger has no level here, so that `loglevel` applies.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "app.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"handlers": ["stderr"], "propagate": False}},
}


def when_ready(server: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Show the release in `systemctl status`."""
    release = os.environ.get("PAYMENT_SYSTEM_RELEASE_ID", "development")
    sd_notify(f"STATUS=The release {release} serves.", server.log)


def pre_fork(_server: Any, _worker: Any) -> None:  # noqa: ANN401 - as below
    """Exclude loaded objects from garbage collection, so that the workers keep sharing their memory."""
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn ships no types
    """Give the worker its own database connections, and let it end at a stop signal that arrives before it can serve.

    A connection of the parent would be shared by all workers.
    """
    from app.asgi import STOP_SIGNALS  # loaded before the fork

    # Before its event loop runs, a worker's signal handlers only queue a signal: the worker would not stop until it is killed. So stop
    # signals are blocked until the loop handles them (app/asgi), and a stop signal that was queued since the fork ends the worker here.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    noted = {server.SIG_QUEUE.get_nowait() for _ in range(server.SIG_QUEUE.qsize())}
    if noted & STOP_SIGNALS:
        sys.exit(0)
    worker.app.wsgi().runtime.forget_connections()
