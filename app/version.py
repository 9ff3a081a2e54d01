"""Owns the version of the whole: the program, its API and the roles. CONTRIBUTING.md says how the next one is made."""

from __future__ import annotations

from typing import Final

# Make and the installer on a host read this line as text.
VERSION: Final = "0.1.0"
