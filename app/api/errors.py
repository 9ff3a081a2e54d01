"""Owns how a mutation runs: its inputs are read so that all that is wrong is told at once, and what fails becomes its payload's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from app.api.refusals import refusal_of
from app.errors import RateLimitedError, WalletError
from app.http import log_failure, refused_event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphql import GraphQLResolveInfo

    from app.api.context import Context
    from app.api.payloads import Payload

Value = TypeVar("Value")
Given = ParamSpec("Given")


class InvalidInputsError(Exception):
    """Several inputs are wrong at once; all of them are shown."""

    def __init__(self, errors: Sequence[WalletError]) -> None:
        self.errors = tuple(errors)
        super().__init__(", ".join(error.code for error in errors))


class InputErrors:
    """Reads the inputs of a mutation one after the other and keeps what is wrong with each, so that all is shown at once."""

    def __init__(self) -> None:
        self.errors: list[WalletError] = []

    def read(self, field: str, function: Callable[Given, Value], *args: Given.args, **kwargs: Given.kwargs) -> Value:
        """What the function makes of what was given in this field. If it refuses, `stop` has to be called before the value is used."""
        try:
            return function(*args, **kwargs)
        except WalletError as error:
            error.field = field
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
            context.audit_event = made.audit_event(action)
            return made
        context.refused = True
        context.audit_event = refused_event(errors[0], action)
        for each in errors:
            if isinstance(each, RateLimitedError):
                context.retry_after_seconds = each.retry_after_seconds
            log_failure(each, context.request_context)
        return payload(errors=tuple(refusal_of(each, context.identified_viewer) for each in errors))

    return resolve
