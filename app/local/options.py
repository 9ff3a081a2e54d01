"""Owns the options of `make run`: parses and checks them, and checks that the address is free."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.devdb import MACHINE_FOLDER, can_enter, server_account
from app.local.errors import LocalRunError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECKOUT: Final = Path(__file__).resolve().parent.parent.parent
HOST: Final = "127.0.0.1"
PORT: Final = "5000"
LAST_PORT: Final = 65535
ALL_INTERFACES: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104 # noqa: S104 - the address for a browser if bound to all
# A run that was just killed needs this long to free its port.
PORT_WAIT_SECONDS: Final = 2.0
POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The checked options of `make run`.

    Attributes:
        data_folder: absolute.
        demo: whether to make demo people; None if the option is not given.
    """

    host: str
    port: int
    data_folder: Path
    demo: bool | None
    reset: bool

    @property
    def bind(self) -> str:
        """The address for gunicorn to listen on."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def address(self) -> str:
        """The URL for a browser on this machine."""
        return f"http://{_bracketed(ALL_INTERFACES.get(self.host, self.host))}:{self.port}"

    @property
    def hosts(self) -> str:
        """The value of PAYMENT_SYSTEM_HOSTS: the names of this address, or empty (any name) if it listens on all interfaces."""
        return "" if self.host in ALL_INTERFACES else ",".join(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", _bracketed(self.host))))


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Parse the command line.

    Raises: LocalRunError for a value that cannot be used, SystemExit for an unknown argument.
    """
    parser = argparse.ArgumentParser(prog="make run", description="Run the wallet on this machine.", allow_abbrev=False)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", default=PORT)
    parser.add_argument("--data", type=Path, help="the folder of the database")
    parser.add_argument("--demo", action=argparse.BooleanOptionalAction, help="make demo people; by default only in our own database")
    parser.add_argument("--reset", action="store_true", help="forget the database instead")
    given = parser.parse_args(arguments)
    return Options(
        host=given.host,
        port=_port(given.port),
        data_folder=(given.data.expanduser().absolute() if given.data else _default_data_folder()),
        demo=given.demo,
        reset=given.reset,
    )


def _default_data_folder() -> Path:
    """`.data` in the checkout, or MACHINE_FOLDER if root runs it and PostgreSQL's account cannot enter the checkout."""
    account = server_account()
    if account is None or can_enter(account, CHECKOUT):
        return CHECKOUT / ".data"
    return MACHINE_FOLDER / f"data-{CHECKOUT.name}-{sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]}"


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST_PORT)) and 1 <= int(text) <= LAST_PORT):
        raise LocalRunError(f"PORT is {text!r}: give a whole number from 1 to {LAST_PORT}, for example `make run PORT=5001`.")
    return int(text)


def check_port_is_free(options: Options) -> None:
    """Raises: LocalRunError if gunicorn cannot listen on this address."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise LocalRunError(
            f"HOST is {options.host!r}, which is no address: give one of this machine's, for example `make run HOST=127.0.0.1`."
        ) from error
    limit = time.monotonic() + PORT_WAIT_SECONDS
    while (error_number := _bind_error(family, kind, protocol, place)) == errno.EADDRINUSE and time.monotonic() < limit:
        time.sleep(POLL_SECONDS)
    if error_number == errno.EADDRINUSE:
        raise LocalRunError(
            f"Port {options.port} is in use on {options.host}: stop what uses it, "
            f"or choose another with `make run PORT={_other_port(options.port)}`."
        )
    if error_number == errno.EACCES:
        raise LocalRunError(f"Port {options.port} is for root alone: choose one from 1024 up, for example `make run PORT=5001`.")
    if error_number:
        raise LocalRunError(f"HOST is {options.host!r}, which is not an address of this machine: try `make run HOST=127.0.0.1`.")


def _bind_error(family: int, kind: int, protocol: int, place: Any) -> int:  # noqa: ANN401 - its shape depends on the family
    """The error number with which the kernel refuses this address; 0 if it is free."""
    with socket.socket(family, kind, protocol) as probe:
        # As gunicorn does: closing connections of an earlier run do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
    return 0


def _other_port(port: int) -> int:
    return port + 1 if port < LAST_PORT else port - 1


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
