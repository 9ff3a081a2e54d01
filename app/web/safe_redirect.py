"""Owns the redirect after a login: back to the page that the person asked for, and never to another site."""

from __future__ import annotations

import re
from typing import Final

from flask import request, url_for

from app.web.forms import text_of

# One slash, no second slash after it, and only printable ASCII without "\". A browser reads "\" as "/" and skips tabs and line ends.
# So "/\other.example" and "/<tab>/other.example" lead to another site. Source: WHATWG URL Standard, 4.4.
LOCAL_PATH: Final = re.compile(r"/(?!/)[!-\[\]-~]*")
MAXIMUM_PATH_CHARACTERS: Final = 1024


def local_path(text: str) -> str | None:
    """The text if it is a path of this site, otherwise None."""
    return text if len(text) <= MAXIMUM_PATH_CHARACTERS and LOCAL_PATH.fullmatch(text) else None


def path_to_return_to() -> str:
    """The page to open after the login that this request lacks: the same page, or the wallet if the request sent a form."""
    shown = request.full_path.removesuffix("?") if request.method in ("GET", "HEAD") else ""
    return local_path(shown) or url_for("web.wallet")


def path_after_login() -> str:
    """The path in the login form's `next`; the wallet if it is not a path of this site."""
    return local_path(text_of("next")) or url_for("web.wallet")
