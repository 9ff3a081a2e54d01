"""Owns the base class of expected failures: a stable code, a field, a message for people and a text for the log."""

from __future__ import annotations

from typing import ClassVar


class WalletError(Exception):
    """An expected failure. It has a stable code and a sentence that says what to do next.

    Args:
        detail: for the log only; may hold ids and amounts.
        user_message: what happened and what to do next; the class has a default.
        field: the name of the wrong input, or None if there is no single one.
    """

    code: ClassVar[str]
    http_status: ClassVar[int] = 422
    default_message: ClassVar[str]
    default_field: ClassVar[str | None] = None

    def __init__(self, detail: str = "", *, user_message: str | None = None, field: str | None = None) -> None:
        self.user_message = user_message or self.default_message
        self.field = field or self.default_field
        super().__init__(detail or self.user_message)


class error_field:  # noqa: N801 - it is used as a function
    """Set the field of every WalletError in the context to this input. The core knows only the value; an edge knows its field."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, WalletError):
            error.field = self._name
