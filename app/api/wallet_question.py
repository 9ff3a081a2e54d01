"""Owns recognising the usual question, for one's own wallet and a page of its payments, which is looked up together with those of others.

The same schema and the same answer as the ordinary way; whatever does not fit here to the letter takes that one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from graphql import GraphQLError, GraphQLObjectType
from graphql.execution.values import get_argument_values

from app.api.inputs import read_number_cursor
from app.api.limits import DEFAULT_PAGE_SIZE
from app.api.schema import SCHEMA
from app.errors import WalletError
from app.http import bearer_token
from app.identity import token_digest
from app.payments import MAXIMUM_PAYMENTS_SEEN, Question

if TYPE_CHECKING:
    from graphql import FieldNode

    from app.api.compiled import Compiled
    from app.http import Facts

PAYMENTS: Final = "Wallet.payments"
# What a wallet and a page of its payments answer without looking anything else up.
KNOWN_FIELDS: Final = frozenset({"Query.viewer", "Viewer.user", "Viewer.wallet", PAYMENTS, "Payment.payer", "Payment.payee"})
KNOWN_ARGUMENTS: Final = frozenset({"first", "after"})
PAYMENTS_FIELD: Final = cast("GraphQLObjectType", SCHEMA.get_type("Wallet")).fields["payments"]


def payments_node_of(compiled: Compiled) -> FieldNode | None:
    """Where the document asks for the payments, if it asks for a wallet and one page of all its payments, and for nothing else."""
    nodes = [node for field, node in compiled.resolved if field == PAYMENTS]
    if len(nodes) != 1 or not KNOWN_FIELDS.issuperset(field for field, _ in compiled.resolved):
        return None
    arguments = {each.name.value for each in nodes[0].arguments}
    return nodes[0] if KNOWN_ARGUMENTS.issuperset(arguments) else None


def question_of(node: FieldNode, variables: dict[str, Any], facts: Facts) -> Question | None:
    """What is to be looked up for a request with an API token, if nothing is wrong with it; the ordinary way tells what is wrong."""
    token = bearer_token(facts)
    if token is None:
        return None
    try:
        given = get_argument_values(PAYMENTS_FIELD, node, variables)
        first, after = given.get("first"), given.get("after")
        if not 1 <= (DEFAULT_PAGE_SIZE if first is None else first) <= MAXIMUM_PAYMENTS_SEEN:
            return None
        digest = token_digest(token)
        return Question(digest) if after is None else Question(digest, read_number_cursor(after))
    except (GraphQLError, WalletError):
        return None
