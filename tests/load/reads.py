"""Owns the subjects that depend on how long a history is: wallet and history pages over HTTP and under pgbench, and paying beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from sqlalchemy.dialects import postgresql

from app.database import array_of_bytes, array_of_words
from app.identity import token_digest
from app.payments.reading import PAYMENTS_PER_PAGE, wallets_statement
from tests.load import asking, payments
from tests.load.history import token_of
from tests.load.measuring import by_pgbench, over_http
from tests.load.rounds import Subject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.load.measuring import Figures
    from tests.load.stage import Stage

SHALLOW: Final = "shallow"
"""A ledger whose longest history has SHALLOW_ENTRIES."""
DEEP: Final = "deep"
"""One with an account of each depth."""
SHALLOW_ENTRIES: Final = 1000
CLIENTS: Final = 16
PAGE_SIZE: Final = 20

Page = Literal["wallet", "page 1", "last page"]

# The statement that the wallet itself sends for a page, from the token to the payments; here for one question alone.
COMPILED: Final = wallets_statement(PAYMENTS_PER_PAGE).query.compile(dialect=postgresql.dialect(paramstyle="named"))  # type: ignore[no-untyped-call] # of SQLAlchemy's


def subjects(depths: Sequence[int]) -> Iterator[Subject]:
    """Each page at each depth both ways, and payments in the shallow and in the deep ledger."""
    pages: tuple[Page, ...] = ("wallet", "page 1", "last page")
    for place, depth in enumerate(depths, start=1):
        for page in pages:
            yield Subject(name_of(page, depth), "history", partial(asked, page=page, place=place, depth=depth))
            if page != "page 1":
                # Page 1 is the wallet's statement: measured once.
                yield Subject(name_of(page, depth, "pgbench"), "history", partial(queried, page=page, place=place, depth=depth))
    for database, depth in ((SHALLOW, SHALLOW_ENTRIES), (DEEP, max(depths))):
        yield Subject(pay_name(depth), "depth", partial(payments.spread_out, connections=64, database=database))
        yield Subject(pay_name(depth, "pgbench"), "depth", partial(payments.limit, clients=16, database=database))


def name_of(page: Page, depth: int, way: str = "HTTP") -> str:
    """What a page of a history so long is called in the results."""
    return f"{page} of {depth:,} entries, {way}"


def pay_name(depth: int, way: str = "HTTP") -> str:
    """What paying beside a history so long is called in the results."""
    return f"payment beside {depth:,} entries, {way}"


def hub(place: int) -> str:
    """Who has the first, second … of the long histories."""
    return f"hub{place}-00001"


def asked(stage: Stage, seconds: float, *, page: Page, place: int, depth: int) -> Figures:
    """The page by GraphQL, with a token."""
    del depth
    match page:
        case "wallet":
            request = asking.wallet(hub(place))
        case "page 1":
            request = asking.history(hub(place), before_number=None)
        case "last page":
            request = asking.history(hub(place), before_number=PAGE_SIZE + 1)
    return over_http(stage, DEEP, [request], connections=CLIENTS, seconds=seconds)


def queried(stage: Stage, seconds: float, *, page: Page, place: int, depth: int) -> Figures:
    """The page's own statement under pgbench."""
    before = PAGE_SIZE + 1 if page == "last page" else depth + 1
    digest = token_digest(token_of(hub(place)))
    variables = {
        **COMPILED.params, "digests": array_of_bytes([digest]), "accounts": array_of_words(["NULL"]),
        "before_numbers": array_of_words([before]),
    }
    return by_pgbench(stage, DEEP, str(COMPILED), clients=CLIENTS, seconds=seconds, variables=variables)
