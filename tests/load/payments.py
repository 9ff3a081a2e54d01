"""Owns the subjects that pay: the payment function under pgbench, which is the limit, and `sendPayment` over HTTP beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from tests.load import asking
from tests.load.measuring import by_pgbench, over_http
from tests.load.rounds import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.load.measuring import Figures
    from tests.load.stage import Stage

DATABASE: Final = "wallet"
TPC_B: Final = "tpcb"
TPC_B_SCALE: Final = 10
PEOPLE: Final = 1000
PAYERS: Final = [f"p{place:05}" for place in range(1, PEOPLE + 1)]
SHOP: Final = "hub1-00001"
CONNECTIONS: Final = (1, 16, 64, 256)
# Somebody pays somebody else; whom is drawn as over HTTP.
ONE_PAYMENT: Final = """
\\set payer random(0, :people - 1)
\\set source :first + :payer
\\set destination :first + (:payer + random(1, :people - 1)) % :people
SELECT status FROM ledger.post_transfer(gen_random_uuid(), 'payment', :source, :destination, 1)
"""
ONE_PAYMENT_TO_A_SHOP: Final = """
\\set source :first + random(0, :people - 1)
SELECT status FROM ledger.post_transfer(gen_random_uuid(), 'payment', :source, :shop, 1)
"""


def subjects() -> Iterator[Subject]:
    """The limit at 1 and 16 clients, TPC-B, `sendPayment` at several numbers of connections, and everybody paying one shop."""
    yield Subject("pgbench TPC-B, 16 clients", "limit", tpc_b)
    for clients in (1, 16):
        yield Subject(f"pgbench payment, {counted(clients, 'client')}", "limit", partial(limit, clients=clients))
    yield Subject("pgbench payment to one shop, 16 clients", "limit", partial(limit, clients=16, script=ONE_PAYMENT_TO_A_SHOP))
    for connections in CONNECTIONS:
        yield Subject(f"sendPayment, {counted(connections, 'connection')}", "sendPayment", partial(spread_out, connections=connections))
    yield Subject("sendPayment to one shop, 64 connections", "sendPayment", to_one_shop)


def tpc_b(stage: Stage, seconds: float) -> Figures:
    """PostgreSQL's usual yardstick, so that this machine can be compared with others."""
    return by_pgbench(stage, TPC_B, None, clients=16, seconds=seconds, role="postgres")


def limit(
    stage: Stage, seconds: float, *, clients: int, script: str = ONE_PAYMENT, database: str = DATABASE, operations: int = 1
) -> Figures:
    """The payment function alone, as the app's role."""
    return by_pgbench(
        stage, database, script, clients=clients, seconds=seconds, operations=operations, posts=True, variables=accounts(stage, database),
    )


def spread_out(stage: Stage, seconds: float, *, connections: int, database: str = DATABASE) -> Figures:
    """Each request by a random person to another."""
    request = asking.send_payment(PAYERS, PAYERS)
    return over_http(stage, database, [request], connections=connections, seconds=seconds, posts=True)


def to_one_shop(stage: Stage, seconds: float) -> Figures:
    """Each request by a random person to the same one."""
    request = asking.send_payment(PAYERS, [SHOP])
    return over_http(stage, DATABASE, [request], connections=64, seconds=seconds, posts=True)


def accounts(stage: Stage, database: str) -> dict[str, int]:
    """Where the people's accounts begin, how many there are, and the shop's, as variables of a script."""
    found = stage.query(database, f"SELECT username, account_id FROM users WHERE username IN ('{PAYERS[0]}', '{SHOP}')")
    ids = dict(found)
    return {"first": ids[PAYERS[0]], "people": PEOPLE, "shop": ids[SHOP]}


def counted(count: int, thing: str) -> str:
    """For people: "1 client", "16 clients"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
