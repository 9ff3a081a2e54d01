"""Owns what `make run` may be asked for: its arguments, what they may be, and whether the address is free."""

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
EVERY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # nosec B104 # noqa: S104 - what to open in a browser when bound to all
# What a run that was just killed needs to let go of its port.
PORT_PATIENCE_SECONDS: Final = 2.0
LOOK_AGAIN_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What `make run` was asked for, checked.

    Attributes:
        data_folder: absolute.
        demo: whether to make demo people; None when nobody said.
    """

    host: str
    port: int
    data_folder: Path
    demo: bool | None
    reset: bool

    @property
    def bind(self) -> str:
        """As gunicorn wants it."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def address(self) -> str:
        """What to open in a browser on this machine."""
        return f"http://{_bracketed(EVERY_ADDRESS.get(self.host, self.host))}:{self.port}"

    @property
    def hosts(self) -> str:
        """Under which names a browser may reach it, as the setting wants them; where it is open to the network, under any."""
        return "" if self.host in EVERY_ADDRESS else ",".join(dict.fromkeys(("localhost", "127.0.0.1", "[::1]", _bracketed(self.host))))


def read_choices(arguments: Sequence[str] | None) -> Choices:
    """What was asked for on the command line.

    Raises: LocalRunError when a value cannot be used; SystemExit when an argument is unknown.
    """
    parser = argparse.ArgumentParser(prog="make run", description="Run the wallet on this machine.", allow_abbrev=False)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", default=PORT)
    parser.add_argument("--data", type=Path, help="the folder of the database")
    parser.add_argument("--demo", action=argparse.BooleanOptionalAction, help="make demo people; by default only in our own database")
    parser.add_argument("--reset", action="store_true", help="forget the database instead")
    given = parser.parse_args(arguments)
    return Choices(
        host=given.host,
        port=_port(given.port),
        data_folder=(given.data.expanduser().absolute() if given.data else _usual_data_folder()),
        demo=given.demo,
        reset=given.reset,
    )


def _usual_data_folder() -> Path:
    """`.data` in the checkout, or root's own place when the account that root lends PostgreSQL cannot reach the checkout."""
    account = server_account()
    if account is None or can_enter(account, CHECKOUT):
        return CHECKOUT / ".data"
    return MACHINE_FOLDER / f"data-{CHECKOUT.name}-{sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]}"


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LAST_PORT)) and 1 <= int(text) <= LAST_PORT):
        raise LocalRunError(f"PORT is {text!r}: give a whole number from 1 to {LAST_PORT}, for example `make run PORT=5001`.")
    return int(text)


def refuse_used_port(choices: Choices) -> None:
    """Raises: LocalRunError when gunicorn could not listen there."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(choices.host, choices.port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise LocalRunError(
            f"HOST is {choices.host!r}, which is no address: give one of this machine's, for example `make run HOST=127.0.0.1`."
        ) from error
    limit = time.monotonic() + PORT_PATIENCE_SECONDS
    while (refusal := _refusal(family, kind, protocol, place)) == errno.EADDRINUSE and time.monotonic() < limit:
        time.sleep(LOOK_AGAIN_SECONDS)
    if refusal == errno.EADDRINUSE:
        raise LocalRunError(
            f"Port {choices.port} is in use on {choices.host}: stop what uses it, "
            f"or choose another with `make run PORT={_another(choices.port)}`."
        )
    if refusal == errno.EACCES:
        raise LocalRunError(f"Port {choices.port} is for root alone: choose one from 1024 up, for example `make run PORT=5001`.")
    if refusal:
        raise LocalRunError(f"HOST is {choices.host!r}, which is not an address of this machine: try `make run HOST=127.0.0.1`.")


def _refusal(family: int, kind: int, protocol: int, place: Any) -> int:  # noqa: ANN401 - its shape depends on the family
    """The number of the error with which the kernel refuses this place; 0 when it does not."""
    with socket.socket(family, kind, protocol) as probe:
        # As gunicorn sets it: connections of a former run that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
    return 0


def _another(port: int) -> int:
    return port + 1 if port < LAST_PORT else port - 1


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
