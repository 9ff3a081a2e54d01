"""Owns the request context: the properties of a request as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Final

REQUEST_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext:
    """The properties of a request, free of any framework, so that Flask and the event loop apply the same rules."""

    method: str
    path: str
    host: str
    scheme: str
    origin: str | None
    sec_fetch_site: str | None
    authorization: str | None
    login_token: str | None
    """From the cookie."""
    user_agent: str | None
    remote_address: str | None
    """The client's address, from `client_address`."""
    prefix: str = ""
    """The path below which a proxy serves the wallet; empty at the top of a host."""
    content_encoding: str | None = None
    request_id: str = field(default_factory=partial(token_hex, REQUEST_ID_BYTES))
