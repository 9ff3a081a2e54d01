"""Owns the declarations of the mutations: their inputs, their payloads, and the root type."""

from __future__ import annotations

from graphene import Argument, Boolean, Field, InputField, InputObjectType, List, NonNull, ObjectType, String

from app.api import inputs, payloads
from app.api.context import resolver
from app.api.errors import mutation
from app.api.resolvers import paying, paying_many, people, wallets
from app.api.types.errors import UserError
from app.api.types.scalars import UUID, Amount, Username
from app.api.types.wallets import ApiToken, Money, Payment, TokenScope, Viewer


class RegisterInput(InputObjectType):
    """Who is new here."""

    username = InputField(NonNull(Username), description="The handle to pay to; it cannot be changed later.")
    password = InputField(NonNull(String), description="12 characters or more, and not easy to guess.")
    display_name = InputField(String, description=(
        "The name to be shown by: one line of at most 64 characters, all of which show; the handle when absent or blank."
    ))


class LogInInput(InputObjectType):
    """Who says to be here."""

    username = InputField(NonNull(Username), description="The handle.")
    password = InputField(NonNull(String), description="The password, in exactly its own letters.")


class SendPaymentInput(InputObjectType):
    """A payment from the viewer's wallet."""

    idempotency_key = InputField(NonNull(UUID), description=(
        "Made by the client once for each payment it means to make; it becomes the payment's id, and sending it again pays nothing twice. "
        "A UUID of RFC 9562, version 1 to 8; placeholders such as nil or 00000000-0000-4000-8000-000000000001 are refused."
    ))
    to = InputField(NonNull(Username), description="Whom to pay.")
    amount = InputField(NonNull(Amount), description="How much; above zero.")
    memo = InputField(String, description="What it is for: one line of at most 200 characters, all of which show.")


class PaymentItemInput(InputObjectType):
    """One payment of many from the viewer's wallet."""

    idempotency_key = InputField(NonNull(UUID), description="As of a single payment; each item has its own.")
    to = InputField(NonNull(Username), description="Whom to pay.")
    amount = InputField(NonNull(Amount), description="How much; above zero.")
    memo = InputField(String, description="What it is for: one line of at most 200 characters, all of which show.")


class SendPaymentsInput(InputObjectType):
    """Many payments from the viewer's wallet, made in their order."""

    items = InputField(NonNull(List(NonNull(PaymentItemInput))), description="1 to 10,000 payments.")
    atomic = InputField(Boolean, default_value=True, description="All or none; when false, each on its own.")


class RefundPaymentInput(InputObjectType):
    """Giving back part or all of a payment that reached the viewer."""

    idempotency_key = InputField(NonNull(UUID), description=(
        "Made by the client once for each refund it means to make, as that of a payment. It stands for the amount as it is given here: "
        "absent, or a number."
    ))
    payment_id = InputField(NonNull(UUID), description="The payment to give back.")
    amount = InputField(Amount, description="How much; all that is left when absent.")
    memo = InputField(String, description="Why: one line of at most 200 characters, all of which show.")


class ChangePasswordInput(InputObjectType):
    """A new password for the viewer."""

    current_password = InputField(NonNull(String), description="The password as it is.")
    new_password = InputField(NonNull(String), description="The password as it shall be.")
    revoke_api_tokens = InputField(Boolean, default_value=False, description="Whether all API tokens of the viewer end, too.")


class CloseAccountInput(InputObjectType):
    """Leaving for good."""

    current_password = InputField(NonNull(String), description="The viewer's password.")


class CreateApiTokenInput(InputObjectType):
    """A way in for a client."""

    name = InputField(NonNull(String), description="To tell it from others later: one line of at most 64 characters, all of which show.")
    scopes = InputField(NonNull(List(NonNull(TokenScope))), description="What it may do; at least one.")
    current_password = InputField(String, description="The viewer's password; needed when they logged in more than five minutes ago.")


_ERRORS = {"description": "What went wrong; empty when it was done."}


class ViewerPayload(ObjectType):
    """Who is signed in now."""

    viewer = Field(Viewer, description="The person; null when refused.")
    errors = NonNull(List(NonNull(UserError)), **_ERRORS)


class PaymentPayload(ObjectType):
    """The payment that is in the books."""

    payment = Field(Payment, resolver=resolver(wallets.paid), description=(
        "The payment; null when refused. A token with PAY alone sees it, too, with all its fields but `balanceAfter`, which is null."
    ))
    replayed = NonNull(Boolean, description="Whether an earlier request with the same key had made it already.")
    errors = NonNull(List(NonNull(UserError)), **_ERRORS)


class PaymentsPayload(ObjectType):
    """What became of many payments."""

    results = NonNull(List(NonNull(PaymentPayload)), description=(
        "One for each item, in their order. When all or none was asked for and one was refused, "
        "the others have the code NOT_ATTEMPTED, and those that were in the books already are shown."
    ))
    total = Field(Money, description="The sum of what is in the books now; null when all or none was asked for and it is none.")
    errors = NonNull(List(NonNull(UserError)), description=(
        "What went wrong with the whole, and with which items: the field of item 7 begins with items and 7, counted from 0."
    ))


class ApiTokenPayload(ObjectType):
    """The new token."""

    api_token = Field(ApiToken, description="The token; null when refused.")
    secret = String(description="What the client sends as `Authorization: Bearer …`. Shown once: it is stored nowhere.")
    errors = NonNull(List(NonNull(UserError)), **_ERRORS)


class DonePayload(ObjectType):
    """Whether it was done."""

    done = NonNull(Boolean, description="True when it was done.")
    errors = NonNull(List(NonNull(UserError)), **_ERRORS)


def _given(of: type[InputObjectType]) -> Argument:
    return Argument(NonNull(of), name="input", description="What it needs.")


def _id(description: str) -> Argument:
    return Argument(NonNull(UUID), name="id", description=description)


class Mutation(ObjectType):
    """Everything that changes something. One of these in a request; it is done wholly or not at all."""

    register = Field(
        NonNull(ViewerPayload), given=_given(RegisterInput),
        resolver=mutation(payloads.ViewerPayload, people.register, inputs.Registration),
        description="Make a wallet for a new person and log them in: the answer sets the login cookie.",
    )
    log_in = Field(
        NonNull(ViewerPayload), given=_given(LogInInput),
        resolver=mutation(payloads.ViewerPayload, people.log_in, inputs.Credentials),
        description="Log in: the answer sets the login cookie.",
    )
    log_out = Field(
        NonNull(DonePayload), resolver=mutation(payloads.DonePayload, people.log_out),
        description="End this browser's login.",
    )
    change_password = Field(
        NonNull(DonePayload), given=_given(ChangePasswordInput),
        resolver=mutation(payloads.DonePayload, people.change_password, inputs.PasswordChange),
        description="Change the password. Every other login ends, and this one goes on with a new token: the answer sets the cookie.",
    )
    close_account = Field(
        NonNull(DonePayload), given=_given(CloseAccountInput),
        resolver=mutation(payloads.DonePayload, people.close_account, inputs.AccountClosing),
        description=(
            "Close the viewer's account for good. Its wallet has to be empty. Names, logins and tokens go; payments stay in the history "
            "of others under a neutral name."
        ),
    )
    revoke_login = Field(
        NonNull(DonePayload), login_id=_id("The login to end."),
        resolver=mutation(payloads.DonePayload, people.revoke_login),
        description="Log one browser out.",
    )
    create_api_token = Field(
        NonNull(ApiTokenPayload), given=_given(CreateApiTokenInput),
        resolver=mutation(payloads.ApiTokenPayload, people.create_api_token, inputs.TokenRequest),
        description="Make a token for a client. Only from a login, never with another token.",
    )
    revoke_api_token = Field(
        NonNull(DonePayload), token_id=_id("The token to end."),
        resolver=mutation(payloads.DonePayload, people.revoke_api_token),
        description="End a token at once.",
    )
    send_payment = Field(
        NonNull(PaymentPayload), given=_given(SendPaymentInput),
        resolver=mutation(payloads.PaymentPayload, paying.send_payment, inputs.PaymentOrder),
        description="Pay somebody from the viewer's wallet.",
    )
    send_payments = Field(
        NonNull(PaymentsPayload), given=_given(SendPaymentsInput),
        resolver=mutation(payloads.PaymentsPayload, paying_many.send_payments, inputs.PayoutOrder),
        description="Pay many from the viewer's wallet, all or none, or each on its own. The request may have up to 4 MiB.",
    )
    refund_payment = Field(
        NonNull(PaymentPayload), given=_given(RefundPaymentInput),
        resolver=mutation(payloads.PaymentPayload, paying.refund_payment, inputs.RefundOrder),
        description="Give back part or all of a payment that reached the viewer.",
    )
