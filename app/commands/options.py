"""Owns the options whose texts the core reads, as it does for the pages and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.payments import parse_key

if TYPE_CHECKING:
    from uuid import UUID


class KeyOption(click.ParamType["UUID"]):
    """The key of a payment. What is none is refused in the core's words."""

    name = "uuid"

    def convert(self, value: object, _param: click.Parameter | None, _ctx: click.Context | None) -> UUID:
        """Raises: InvalidInputError."""
        return parse_key(str(value))
