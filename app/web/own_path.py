"""Owns where a person goes after logging in: back to the page of ours that they asked for, and never to another site."""

from __future__ import annotations

import re
from typing import Final

from flask import request, url_for

from app.web.forms import text_of

# One slash, then anything printable in ASCII but a second slash. A browser reads "\" as "/" and skips tabs and line ends, so
# "/\other.example" and "/<tab>/other.example" would leave this site. Source: WHATWG URL Standard, 4.4.
OWN_PATH: Final = re.compile(r"/(?!/)[!-\[\]-~]*")
MAXIMUM_PATH_CHARACTERS: Final = 1024


def own_path(text: str) -> str | None:
    """The text when it is a path of this site, otherwise None."""
    return text if len(text) <= MAXIMUM_PATH_CHARACTERS and OWN_PATH.fullmatch(text) else None


def path_to_return_to() -> str:
    """The page to show after the login that the current request lacks: itself, or the wallet when it was a form's sending."""
    shown = request.full_path.removesuffix("?") if request.method in ("GET", "HEAD") else ""
    return own_path(shown) or url_for("web.wallet")


def path_after_login() -> str:
    """Where the login form's `next` leads; the wallet when it leads nowhere of ours."""
    return own_path(text_of("next")) or url_for("web.wallet")
