"""Owns the short way of `sendPayment` by an API token: settled together with the others that wait, then answered without a look-up.

The same schema and the same answer as the ordinary way; whatever does not fit here to the letter takes that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import FieldNode, GraphQLObjectType, NamedTypeNode, NonNullTypeNode, OperationType, VariableNode

from app import payments
from app.amounts import parse_amount
from app.api.compiled import compile_selection
from app.errors import WalletError
from app.http import bearer_token
from app.identity import parse_username, token_digest
from app.payments import Order

if TYPE_CHECKING:
    from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode

    from app.api.compiled import Read
    from app.http import Facts
    from app.money import Currency

FIELD: Final = "sendPayment"
INPUT_TYPE: Final = "SendPaymentInput"
PAYLOAD_TYPE: Final = "PaymentPayload"
INPUT_FIELDS: Final = frozenset({"idempotencyKey", "to", "amount", "memo"})


@dataclass(frozen=True, slots=True)
class ShortWay:
    """A document of the form `mutation ($x: SendPaymentInput!) { sendPayment(input: $x) { … } }`, taken apart once."""

    variable: str
    text: str
    """The answer's `data`, to be completed with the payload."""
    read: Read
    """What the document selects of the payload."""
    fields: int


def short_way_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> ShortWay | None:
    """The document so taken apart, if it has that form."""
    definitions, selections = operation.variable_definitions or (), operation.selection_set.selections
    if operation.operation is not OperationType.MUTATION or len(definitions) != 1 or len(selections) != 1:
        return None
    field, variable = selections[0], definitions[0]
    if not isinstance(field, FieldNode) or field.name.value != FIELD or len(field.arguments) != 1 or not field.selection_set:
        return None
    value, wanted = field.arguments[0].value, variable.type
    if not isinstance(value, VariableNode) or not isinstance(wanted, NonNullTypeNode) or not isinstance(wanted.type, NamedTypeNode):
        return None
    payload = schema.get_type(PAYLOAD_TYPE)
    if wanted.type.name.value != INPUT_TYPE or not isinstance(payload, GraphQLObjectType):
        return None
    selection = compile_selection(schema, document, payload, field.selection_set, has_variables=False)
    text = f'{{"{field.alias.value if field.alias else FIELD}":%s}}'
    return ShortWay(variable.variable.name.value, text, selection.read, selection.fields) if selection else None


def order_of(way: ShortWay, variables: dict[str, Any], facts: Facts, currency: Currency) -> Order | None:
    """The payment that this request orders, if nothing is wrong with it; None for anything else.

    Whatever is wrong, the ordinary way tells all of it. What this returns, that way would read in the same way: so the document is
    sure to execute once the money has moved.
    """
    token, given = bearer_token(facts), variables.get(way.variable)
    if not isinstance(given, dict) or not given.keys() <= INPUT_FIELDS or token is None:
        return None
    memo = given.get("memo")
    if not isinstance(memo, str | None):
        return None
    try:
        return Order(
            token_digest=token_digest(token),
            idempotency_key=payments.parse_key(given.get("idempotencyKey")),
            to=parse_username(given.get("to")),
            amount=parse_amount(given.get("amount"), currency),
            memo=payments.parse_memo(memo),
        )
    except WalletError:
        return None
