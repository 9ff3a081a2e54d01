"""Owns what a request says of itself, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from secrets import token_hex
from typing import Final

REQUEST_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a request says of itself, free of any framework, so that every entry can apply the same rules."""

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
    """The client's, as `client_address` tells it."""
    prefix: str = ""
    """The path under which a proxy says that it serves this; empty at the top of a host."""
    content_encoding: str | None = None
    request_id: str = field(default_factory=partial(token_hex, REQUEST_ID_BYTES))
