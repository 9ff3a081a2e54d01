"""Owns the option types whose texts are parsed by the core, as for the pages and the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from app.payments import parse_key

if TYPE_CHECKING:
    from uuid import UUID


class KeyOption(click.ParamType["UUID"]):
    """An idempotency key. A bad one is refused with the core's message."""

    name = "uuid"

    def convert(self, value: object, _param: click.Parameter | None, _ctx: click.Context | None) -> UUID:
        """Raises: InvalidInputError."""
        return parse_key(str(value))
