"""Owns what a person entered: reads it, collects everything that is wrong with it, shows it again. Never shows a password."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from uuid import uuid4

from flask import g, request
from werkzeug.datastructures import MultiDict

from app.errors import (
    ForbiddenError,
    IdempotencyKeyReusedError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    UnauthenticatedError,
    WalletError,
)
from app.payments import parse_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from uuid import UUID

# A person cannot see these inputs, so the list of problems has no links to them.
HIDDEN_INPUTS: Final = frozenset({"idempotency_key", "next", "payment_id"})
SERVER_IS_BUSY: Final = 503


class FormRefusedError(Exception):
    """A form has one problem or more. All of them are shown at once."""

    def __init__(self, errors: list[WalletError]) -> None:
        self.errors = errors
        self.http_status = errors[0].http_status
        super().__init__("; ".join(str(error) for error in errors))


class FormErrors:
    """Collects what is wrong with a form.

    Each `with problems:` runs one check, which may fail. `refuse_if_any` then refuses the form with all problems. Only the first
    problem of an input counts: a second sentence about the same input would confuse.
    """

    def __init__(self) -> None:
        self.errors: list[WalletError] = []

    def __enter__(self) -> None:
        """Begin one check."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> bool:
        if not isinstance(error, WalletError) or not belongs_to_form(error):
            return False
        if error.field is None or error.field not in {each.field for each in self.errors}:
            self.errors.append(error)
        return True

    def refuse_if_any(self) -> None:
        """Raises: FormRefusedError when any check failed."""
        if self.errors:
            raise FormRefusedError(self.errors)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: with one input, or with the whole form if that is None."""

    input_name: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Form:
    """What was entered and what is wrong with it, for the templates."""

    entered: MultiDict[str, str]
    problems: tuple[Problem, ...]

    def value(self, name: str, default: str = "") -> str:
        """What to show in the input again; of a password, nothing."""
        return "" if "password" in name else _text(self.entered, name, default)

    def chosen(self, name: str) -> list[str]:
        """All that was ticked under this name."""
        return self.entered.getlist(name)

    def problem(self, name: str) -> str | None:
        """What is wrong at this input."""
        return next((each.message for each in self.problems if each.input_name == name), None)


def belongs_to_form(error: WalletError | FormRefusedError) -> bool:
    """Whether a refusal is about what was entered. Then the form is shown again; otherwise an error page is shown."""
    if isinstance(error, FormRefusedError):
        return True
    if isinstance(error, NotFoundError):
        return error.field is not None
    return error.http_status != SERVER_IS_BUSY and not isinstance(error, (ForbiddenError, UnauthenticatedError, RateLimitedError))


def errors_of(error: WalletError | FormRefusedError) -> list[WalletError]:
    """Each thing that is wrong."""
    return error.errors if isinstance(error, FormRefusedError) else [error]


def problems_of(error: WalletError | FormRefusedError) -> tuple[Problem, ...]:
    """The problems, with the inputs named as on the page: the core's newPassword is new_password here."""
    g.key_is_spent = isinstance(error, IdempotencyKeyReusedError)
    return tuple(Problem(_input_name(each.field), each.user_message) for each in errors_of(error))


def current_form() -> Form:
    """The form of the current request with the problems found so far. It is empty if the request failed for another reason."""
    if g.get("is_failure"):
        # A body that was too large cannot be read for the error page either.
        return Form(MultiDict(), ())
    return Form(_entered(), cast("tuple[Problem, ...]", g.get("problems", ())))


def text_of(name: str) -> str:
    """What was entered at this input, unchanged; empty if it was not sent. The core parses it, as it does for the API."""
    return _text(_entered(), name)


def texts_given(names: Iterable[str]) -> dict[str, str]:
    """What was entered at these inputs, without those that were left empty."""
    entered = _entered()
    return {name: text for name in names if (text := _text(entered, name))}


def texts_of(name: str) -> list[str]:
    """All that was ticked under this name."""
    return _entered().getlist(name)


def idempotency_key() -> UUID:
    """The key that the form was rendered with.

    Raises: InvalidInputError if there is no key, or one that this program cannot have made. With it a payment could be made twice,
    or never.
    """
    try:
        return parse_key(text_of("idempotency_key"))
    except InvalidInputError as error:
        # The core's sentence names an id, which nobody sees on a page.
        message = "This form was not complete. Check it and send it again."
        raise InvalidInputError(f"no idempotency key: {error}", user_message=message, field="idempotencyKey") from None


def key_for_form() -> UUID:
    """The key to render: the one that was sent, so that another try cannot pay twice; a new one if that key is used up."""
    if g.get("key_is_spent") or not text_of("idempotency_key"):
        return uuid4()
    try:
        return idempotency_key()
    except InvalidInputError:
        return uuid4()


def _text(entered: MultiDict[str, str], name: str, default: str = "") -> str:
    # `get` raises and catches an exception for each missing input, which is slow.
    return entered[name] if name in entered else default  # noqa: SIM401 - as above


def _entered() -> MultiDict[str, str]:
    return request.form if request.method == "POST" else request.args


def _input_name(field: str | None) -> str | None:
    name = re.sub(r"(?=[A-Z])", "_", field or "").lower()
    return None if not name or name in HIDDEN_INPUTS else name
