"""Owns the short way of `sendPayment` by an API token: settled together with the others that wait, then answered without a look-up.

The same schema and the same answer as the ordinary way; whatever does not fit here to the letter takes that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import FieldNode, NamedTypeNode, NonNullTypeNode, VariableNode

from app import payments
from app.api.inputs import read_amount, read_uuid
from app.errors import WalletError
from app.http import bearer_token
from app.identity import parse_username, token_digest
from app.payments import Order

if TYPE_CHECKING:
    from app.api.documents import Prepared
    from app.http import Facts
    from app.money import Currency

FIELD: Final = "sendPayment"
INPUT_TYPE: Final = "SendPaymentInput"
INPUT_FIELDS: Final = frozenset({"idempotencyKey", "to", "amount", "memo"})


def order_of(prepared: Prepared, variables: dict[str, Any], facts: Facts, currency: Currency) -> Order | None:
    """The payment that this request orders, if it has the usual form and nothing is wrong with it; None for anything else.

    Whatever is wrong, the ordinary way tells all of it. What this returns, that way would read in the same way: so the document is
    sure to execute once the money has moved.
    """
    token, name = bearer_token(facts), _input_variable(prepared)
    given = variables.get(name) if name and token else None
    if not isinstance(given, dict) or not given.keys() <= INPUT_FIELDS or token is None:
        return None
    memo, to = given.get("memo"), given.get("to")
    if not isinstance(memo, str | None) or not isinstance(to, str):
        return None
    try:
        return Order(
            token_digest=token_digest(token),
            idempotency_key=read_uuid(given.get("idempotencyKey"), "idempotencyKey"),
            to=parse_username(to),
            amount=read_amount(given.get("amount"), currency, "amount"),
            memo=payments.parse_memo(memo),
        )
    except WalletError:
        return None


def _input_variable(prepared: Prepared) -> str | None:
    """The one variable of a document of the form `mutation ($x: SendPaymentInput!) { sendPayment(input: $x) { … } }`."""
    definitions, selections = prepared.operation.variable_definitions or (), prepared.operation.selection_set.selections
    if not prepared.mutates or len(definitions) != 1 or len(selections) != 1:
        return None
    field, variable = selections[0], definitions[0]
    if not isinstance(field, FieldNode) or field.name.value != FIELD or field.directives or len(field.arguments) != 1:
        return None
    value, wanted = field.arguments[0].value, variable.type
    if not isinstance(value, VariableNode) or not isinstance(wanted, NonNullTypeNode) or not isinstance(wanted.type, NamedTypeNode):
        return None
    return variable.variable.name.value if wanted.type.name.value == INPUT_TYPE else None
