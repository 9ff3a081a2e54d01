"""Owns paying many from a file: the upload, the preview that marks every bad line, the payment, and its result to keep.

Nothing is kept on the server between these pages: the form carries the lines, and each line's own key makes sending again safe.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final
from uuid import uuid5

from flask import Response, g, jsonify, request

from app import payments
from app.errors import InvalidInputError, WalletError
from app.http import wave
from app.payments import MAXIMUM_PAYOUT_ITEMS, PayoutLine
from app.web.answers import Answer, Page
from app.web.forms import idempotency_key, key_for_form, text_of
from app.web.payout_outcome import PayoutOutcome, outcome_of
from app.web.routes import private_page

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.identity import Viewer
    from app.payments import PayoutPreview

# 10,000 lines with the longest handles and memos of 200 letters, and the result of each.
MAXIMUM_PAYOUT_FORM_BYTES: Final = 4 * 1024 * 1024
# More than anyone reads on a page; the file to download has all of them.
MAXIMUM_LINES_SHOWN: Final = 200


@private_page("/payout")
def payout_form(session: Session, viewer: Viewer) -> Page:
    """The form to choose a file."""
    wallet = payments.wallet(session, viewer, currency=wave().settings.currency)
    return Page("payout.html", {"wallet": wallet, "key": key_for_form(), "maximum_lines": MAXIMUM_PAYOUT_ITEMS})


@private_page("/payout/check", method="POST", again=payout_form, maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout_check(session: Session, viewer: Viewer) -> Answer:
    """Show what would be paid, every bad line with its number and cause, the total and the balance after; moves nothing."""
    uploaded = request.files.get("file")
    if uploaded is not None:
        uploaded.seek(0)  # this may be another try of the same request
    if uploaded is None or not (data := uploaded.read()):
        raise InvalidInputError(user_message="Choose a file.", field="file")
    # Of the file too: whoever goes back and chooses another one means other payments.
    key = uuid5(idempotency_key(), hashlib.sha256(data).hexdigest())
    currency = wave().settings.currency
    lines = payments.read_payout_file(data, key=key, currency=currency)
    preview = payments.check_payout(session, viewer, [each.item for each in lines], currency=currency)
    return Page("payout_check.html", {"key": key, **_previewed(lines, preview)})


@private_page("/payout", method="POST", does="send_payments", again=payout_form, maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout(session: Session, viewer: Viewer) -> Page:
    """Pay, and show what became of each line; sent again, pay nothing twice and show the same."""
    made = _pay(session, viewer)
    return Page("payout_result.html", {
        "made": made, "shown": [(each.line, each.outcome) for each in made.refused[:MAXIMUM_LINES_SHOWN]], "result": made.as_csv(),
        "key": text_of("idempotency_key"), "lines": text_of("lines"), "mode": text_of("mode"),
    })


@private_page("/payout/part", method="POST", does="send_payments", maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout_part(session: Session, viewer: Viewer) -> Response:
    """Pay some of the lines, each on its own, for a script that shows how far it is."""
    made = _pay(session, viewer)
    return jsonify({"paid": made.paid_count, "refused": len(made.refused)})


@private_page("/payout/result.csv", method="POST", maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout_result(_session: Session, viewer: Viewer) -> Response:
    """The result as a file. The page of the result carries it, since the server keeps nothing and must not pay again to tell."""
    headers = {"Content-Disposition": f'attachment; filename="wave-payout-{viewer.username}.csv"'}
    # The mark tells spreadsheets that it is UTF-8.
    return Response("\ufeff" + text_of("result"), mimetype="text/csv", headers=headers)


def _pay(session: Session, viewer: Viewer) -> PayoutOutcome:
    currency = wave().settings.currency
    lines = payments.read_numbered_lines(text_of("lines"), key=idempotency_key(), currency=currency)
    items = [each.item for each in lines]
    wave().pace.admit_payout(viewer.user_id, len(items))
    made = payments.pay_many(session, viewer, items, atomic=text_of("mode") != "each", currency=currency)
    outcome = outcome_of(lines, made)
    g.count = outcome.paid_count
    return outcome


def _previewed(lines: list[PayoutLine], preview: PayoutPreview) -> dict[str, object]:
    judged = list(zip(lines, preview.outcomes, strict=True))
    bad = [(line, found) for line, found in judged if isinstance(found, WalletError)]
    right = [(line, found) for line, found in judged if not isinstance(found, WalletError)]
    return {
        "preview": preview,
        "bad": bad[:MAXIMUM_LINES_SHOWN],
        "bad_count": len(bad),
        "right": right[:MAXIMUM_LINES_SHOWN],
        "right_count": len(right),
        "lines": payments.write_numbered_lines(
            (line, found if isinstance(found, WalletError) else None) for line, found in judged
        ),
    }
