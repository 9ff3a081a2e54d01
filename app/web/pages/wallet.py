"""Owns the wallet page: the balance, its chart, the history with its filters, and the statement to download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app import payments
from app.http import runtime
from app.payments import Direction, HistoryFilter, PaymentKind
from app.web.answers import Page
from app.web.chart import draw
from app.web.download import download
from app.web.forms import key_for_form, text_of, texts_given
from app.web.history_filter import FILTER_INPUTS, history_filter
from app.web.routes import private_page
from app.web.statement import write_statement

if TYPE_CHECKING:
    from flask import Response
    from sqlalchemy.orm import Session

    from app.identity import Viewer

PAYMENTS_PER_PAGE: Final = 20
CHART_DAYS: Final = 30
# A number with so many digits always fits a bigint.
MAXIMUM_NUMBER_DIGITS: Final = 18


def unfiltered(session: Session, viewer: Viewer) -> Page:
    """The wallet with its whole history, shown when the filter was refused."""
    return _page(session, viewer, HistoryFilter(), None)


@private_page("/wallet", again=unfiltered)
def wallet(session: Session, viewer: Viewer) -> Page:
    """The wallet of the person who is signed in. No URL shows another wallet."""
    return _page(session, viewer, history_filter(), _before_number())


@private_page("/wallet/statement.csv", again=unfiltered)
def statement(session: Session, viewer: Viewer) -> Response:
    """All payments that the filter selects, oldest first, as a file."""
    content = write_statement(payments.statement(session, viewer, history_filter(), currency=runtime().settings.currency))
    return download(content, name=f"wave-statement-{viewer.username}.csv", mimetype="text/csv")


def _page(session: Session, viewer: Viewer, wanted: HistoryFilter, before_number: int | None) -> Page:
    currency = runtime().settings.currency
    page = payments.history(session, viewer, wanted, currency=currency, first=PAYMENTS_PER_PAGE, before_number=before_number)
    return Page("wallet.html", {
        "wallet": page.wallet or payments.wallet(session, viewer, currency=currency),
        "chart": draw(payments.balance_history(session, viewer, days=CHART_DAYS, currency=currency)),
        "page": page,
        "filter_values": texts_given(FILTER_INPUTS),
        "older_than": page.payments[-1].number if page.more_follow else None,
        "starts_at_newest": before_number is None,
        "key": key_for_form(),
        "directions": Direction,
        "kinds": PaymentKind,
    })


def _before_number() -> int | None:
    text = text_of("before")
    # Only links of this page set it. Any other value starts at the newest payment.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAXIMUM_NUMBER_DIGITS else None
