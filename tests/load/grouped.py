"""Owns the grouped limit: many payments posted by one call of the ledger under pgbench, which is what grouping could reach at best."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from app import schema_version
from tests.load.payments import counted, limit
from tests.load.rounds import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

PAYMENTS_PER_CALL: Final = 32
# As many as there are workers, each of which posts one group at a time. More would mostly wait for each other's accounts.
CLIENTS: Final = 2
FIRST_MIGRATION: Final = "0002"
NAME: Final = f"pgbench {PAYMENTS_PER_CALL} payments a call, {counted(CLIENTS, 'client')}"
# The group is drawn within the statement, as pgbench knows no arrays; that is a few hundredths of what posting it costs.
GROUP: Final = f"""
SELECT count(*) FROM (
    SELECT array_agg(gen_random_uuid()) AS ids, array_agg(:first::bigint + payer) AS sources,
        array_agg(:first::bigint + (payer + step) % :people::bigint) AS destinations,
        array_agg(1::bigint) AS amounts, array_agg(NULL::text) AS memos
    FROM (SELECT floor(random() * :people)::bigint AS payer, 1 + floor(random() * (:people - 1))::bigint AS step
        FROM generate_series(1, {PAYMENTS_PER_CALL})) AS drawn
) AS items CROSS JOIN LATERAL ledger.post_transfers(ids, 'payment', sources, destinations, amounts, memos, false) AS posting
"""


def subjects() -> Iterator[Subject]:
    """Groups of payments, in a release whose ledger can post them."""
    if schema_version.head() >= FIRST_MIGRATION:
        yield Subject(NAME, "limit", partial(limit, clients=CLIENTS, script=GROUP, operations=PAYMENTS_PER_CALL))
