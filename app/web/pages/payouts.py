"""Owns paying many people from a file: the upload, the preview that marks each bad line, the payment, and the result as a file.

The server keeps nothing between these pages. The form has the lines, and their keys make it safe to send the form again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response, g, jsonify, request

from app import payments
from app.errors import InvalidInputError, WalletError
from app.http import runtime
from app.payments import MAXIMUM_FILE_BYTES, MAXIMUM_PAYOUT_ITEMS, PayoutLine
from app.web.answers import Answer, Page
from app.web.forms import idempotency_key, key_for_form, text_of
from app.web.payout_outcome import PayoutOutcome, outcome_of
from app.web.routes import private_page

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

    from app.identity import Viewer

# The largest file, and for each of its 10,000 lines the number or the result.
MAXIMUM_PAYOUT_FORM_BYTES: Final = MAXIMUM_FILE_BYTES + 1024 * 1024
# Nobody reads more on a page. The file to download has all lines.
MAXIMUM_LINES_SHOWN: Final = 200
MAXIMUM_REPEATED_SHOWN: Final = 20


@private_page("/payout")
def payout_form(session: Session, viewer: Viewer) -> Page:
    """The form to choose a file."""
    wallet = payments.wallet(session, viewer, currency=runtime().settings.currency)
    return Page("payout.html", {
        "wallet": wallet, "key": key_for_form(), "maximum_lines": MAXIMUM_PAYOUT_ITEMS, "maximum_megabytes": MAXIMUM_FILE_BYTES // 1024**2,
    })


@private_page("/payout/check", method="POST", again=payout_form, maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout_check(session: Session, viewer: Viewer) -> Answer:
    """Show what would be paid, each bad line and its cause, the total, and the balance after. No money moves."""
    uploaded = request.files.get("file")
    if uploaded is None or not uploaded.filename:
        raise InvalidInputError(user_message="Choose a file.", field="file")
    uploaded.seek(0)  # the transaction may run a second time
    lines = payments.read_payout_file(uploaded.read(), runtime().settings.currency)
    return _preview(session, viewer, lines, payments.key_of_content(session, viewer.account_id, lines))


def payout_check_again(session: Session, viewer: Viewer) -> Page:
    """The same preview, when the confirmation was not complete."""
    return _preview(session, viewer, payments.read_carried_lines(text_of("lines"), runtime().settings.currency), _content_key())


@private_page("/payout", method="POST", does="send_payments", again=payout_check_again, maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout(session: Session, viewer: Viewer) -> Page:
    """Pay, and show the result of each line. The same form sent again pays nothing twice and shows the same."""
    made = _pay(session, viewer)
    return Page("payout_result.html", {
        "made": made, "shown": [(each.line, each.outcome) for each in made.refused[:MAXIMUM_LINES_SHOWN]], "result": made.as_csv(),
        "sent": {name: text_of(name) for name in ("idempotency_key", "content_key", "lines", "mode", "repeated", "again")},
    })


@private_page("/payout/part", method="POST", does="send_payments", maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout_part(session: Session, viewer: Viewer) -> Response:
    """Pay some of the lines, each on its own. A script calls this to show progress."""
    made = _pay(session, viewer)
    return jsonify({"paid": made.paid_count, "refused": len(made.refused)})


@private_page("/payout/result.csv", method="POST", maximum_bytes=MAXIMUM_PAYOUT_FORM_BYTES)
def payout_result(_session: Session, viewer: Viewer) -> Response:
    """The result as a file. The page sends it along, because the server does not keep it."""
    headers = {"Content-Disposition": f'attachment; filename="wave-payout-{viewer.username}.csv"'}
    # The byte order mark tells a spreadsheet that it is UTF-8.
    return Response("\ufeff" + text_of("result"), mimetype="text/csv", headers=headers)


def _pay(session: Session, viewer: Viewer) -> PayoutOutcome:
    currency = runtime().settings.currency
    lines = payments.read_carried_lines(text_of("lines"), currency)
    key = _content_key()
    if text_of("again"):
        key = payments.key_again(key, idempotency_key())
    if payments.repeated_lines(lines) and not text_of("repeated"):
        raise InvalidInputError(user_message="Say that the lines which are the same are meant, or correct the file.", field="repeated")
    items = payments.items_of(lines, key)
    runtime().payment_rate_limit.admit_payout(viewer.user_id, len(items))
    made = payments.pay_many(session, payments.Payer.of(viewer), items, atomic=text_of("mode") != "each", currency=currency)
    outcome = outcome_of(lines, made)
    g.count = outcome.paid_count
    return outcome


def _content_key() -> UUID:
    """The key that the preview computed from the whole file. This request may have only some of its lines."""
    try:
        return payments.parse_key(text_of("content_key"))
    except InvalidInputError:
        raise InvalidInputError("no content key", user_message="This form was not complete. Choose the file again.") from None


def _preview(session: Session, viewer: Viewer, lines: list[PayoutLine], content_key: UUID) -> Page:
    preview = payments.check_payout(session, viewer, payments.items_of(lines, content_key), currency=runtime().settings.currency)
    judged = list(zip(lines, preview.outcomes, strict=True))
    bad = [(line, found) for line, found in judged if isinstance(found, WalletError)]
    right = [(line, found) for line, found in judged if not isinstance(found, WalletError)]
    repeated = payments.repeated_lines(lines)
    return Page("payout_check.html", {
        "preview": preview,
        "bad": bad[:MAXIMUM_LINES_SHOWN],
        "bad_count": len(bad),
        "right": right[:MAXIMUM_LINES_SHOWN],
        "right_count": len(right),
        "repeated": repeated[:MAXIMUM_REPEATED_SHOWN],
        "repeated_count": len(repeated),
        "key": key_for_form(),
        "content_key": content_key,
        # A file with a bad line is not paid at all: its other lines may be wrong, too. The person corrects the file and sends it again.
        "lines": "" if bad else payments.write_carried_lines(lines),
    })
