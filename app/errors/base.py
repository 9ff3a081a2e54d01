"""Owns what an expected failure is: a stable code, a place, and a text for each of two readers."""

from __future__ import annotations

from typing import ClassVar


class WalletError(Exception):
    """A failure that was foreseen: it has a stable code, a place and a sentence that says what to do next.

    Args:
        detail: for the log only; may name ids and amounts.
        user_message: what happened and what to do next, in plain words; the class's own sentence when absent.
        field: the name of the input that was wrong, or None when no single one was.
    """

    code: ClassVar[str]
    http_status: ClassVar[int] = 422
    default_message: ClassVar[str]
    default_field: ClassVar[str | None] = None

    def __init__(self, detail: str = "", *, user_message: str | None = None, field: str | None = None) -> None:
        self.user_message = user_message or self.default_message
        self.field = field or self.default_field
        super().__init__(detail or self.user_message)


class at_input:  # noqa: N801 - it is used as a function
    """Whatever is refused within was entered at this input: what an edge adds to the core's reading of it.

    Args:
        name: of the input.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        if isinstance(error, WalletError):
            error.field = self._name
