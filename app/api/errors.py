"""Owns errors as data: what a mutation's payload says of an expected failure. The one place that turns a WalletError into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from app.errors import InsufficientFundsError, RateLimitedError, WalletError, at_input
from app.http import deed_refused, log_failure
from app.identity import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLResolveInfo

    from app.api.context import Context
    from app.api.payloads import Payload
    from app.identity import Viewer
    from app.money import Money

Value = TypeVar("Value")
Given = ParamSpec("Given")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An expected failure as the API shows it. Not an exception: GraphQL would raise one that a resolver returns."""

    code: str
    message: str
    field: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundsRefusal(Refusal):
    """With the figures from which a client can say what is missing."""

    balance: Money
    shortfall: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRefusal(Refusal):
    """With the time to wait."""

    retry_after_seconds: int


class InvalidInputsError(Exception):
    """Several inputs are wrong at once; all of them are shown."""

    def __init__(self, errors: Sequence[WalletError]) -> None:
        self.errors = tuple(errors)
        super().__init__(", ".join(error.code for error in errors))


class Problems:
    """Reads the inputs of a mutation one after the other and keeps what is wrong with each, so that all is shown at once."""

    def __init__(self) -> None:
        self.errors: list[WalletError] = []

    def read(self, field: str, function: Callable[Given, Value], *args: Given.args, **kwargs: Given.kwargs) -> Value:
        """What the function makes of what was given in this field. If it refuses, `stop` has to be called before the value is used."""
        try:
            with at_input(field):
                return function(*args, **kwargs)
        except WalletError as error:
            self.errors.append(error)
            return cast("Value", None)

    def stop(self) -> None:
        """Raises: InvalidInputsError if anything was refused."""
        if self.errors:
            raise InvalidInputsError(self.errors)


def mutation(
    payload: Callable[..., object], function: Callable[..., Payload], inputs: Callable[..., object] | None = None
) -> Callable[..., object]:
    """What GraphQL calls for a mutation: the function's payload, or one that tells every expected failure as data.

    Args:
        payload: makes the payload of a mutation that did nothing, from `errors`.
        function: takes the context and the field's arguments, returns the payload, raises WalletError or InvalidInputsError; the log
            has its name.
        inputs: makes the argument `given` of the input object's fields.
    """
    action = function.__name__

    def resolve(_root: None, info: GraphQLResolveInfo, **arguments: Any) -> object:  # noqa: ANN401 - each function types its own
        context: Context = info.context
        return context.outcome.of(lambda: do(context, arguments)) if context.outcome else do(context, arguments)

    def do(context: Context, arguments: dict[str, Any]) -> object:
        errors: tuple[WalletError, ...]
        if inputs is not None:
            arguments["given"] = inputs(**arguments["given"])
        try:
            made = function(context, **arguments)
        except WalletError as error:
            errors = (error,)
        except InvalidInputsError as several:
            errors = several.errors
        else:
            context.deed = made.deed(action)
            return made
        context.refused = True
        context.deed = deed_refused(errors[0], action)
        for each in errors:
            if isinstance(each, RateLimitedError):
                context.retry_after_seconds = each.retry_after_seconds
            log_failure(each, context.facts)
        return payload(errors=tuple(refusal_of(each, context.viewer) for each in errors))

    return resolve


def refusal_of(error: WalletError, viewer: Viewer | None) -> Refusal:
    """The error as data, with all its members that this viewer may see: without the scope READ, nothing that tells the balance."""
    field = (error.field,) if error.field else None
    if isinstance(error, InsufficientFundsError):
        if viewer is None or Scope.READ not in viewer.scopes:
            return Refusal(code=error.code, message=error.default_message, field=field)
        return FundsRefusal(
            code=error.code, message=error.user_message, field=field, balance=error.balance, shortfall=error.shortfall,
        )
    if isinstance(error, RateLimitedError):
        return RateRefusal(code=error.code, message=error.user_message, field=field, retry_after_seconds=error.retry_after_seconds)
    return Refusal(code=error.code, message=error.user_message, field=field)
