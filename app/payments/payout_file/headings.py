"""Owns the words at the top of a file that tell which column is which, in any order and in the languages of most spreadsheets."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.money import Currency

# Without accents, in lower case: English, German, French, Spanish.
WORDS: Final[dict[str, frozenset[str]]] = {
    "to": frozenset({
        "handle", "name", "payee", "person", "recipient", "to", "user", "username",
        "an", "benutzer", "benutzername", "empfanger", "nutzername", "zahlungsempfanger",
        "a", "beneficiaire", "destinataire", "identifiant", "nom", "nom d'utilisateur", "utilisateur",
        "beneficiario", "destinatario", "nombre", "nombre de usuario", "para", "usuario",
    }),
    "amount": frozenset({
        "amount", "sum", "total", "value",
        "betrag", "summe",
        "montant", "somme",
        "cantidad", "importe", "monto",
    }),
    "memo": frozenset({
        "description", "for", "memo", "message", "note", "reason", "reference",
        "beschreibung", "betreff", "notiz", "verwendungszweck", "zweck",
        "libelle", "motif", "objet",
        "asunto", "concepto", "descripcion", "mensaje", "motivo", "nota",
    }),
}
CURRENCY_IN_HEADING: Final = re.compile(r"(.*?)\s*(?:[(\[]\s*([a-z]{3})\s*[)\]]|\s(?:in|en)\s+([a-z]{3}))")


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a row has what."""

    to: int = 0
    amount: int = 1
    memo: int | None = 2

    @property
    def count(self) -> int:
        """How many columns there are."""
        return 2 if self.memo is None else 3

    @property
    def described(self) -> str:
        """As a sentence names them."""
        return "username and amount" if self.memo is None else "username, amount and memo"


def columns_of(cells: Sequence[str], number: int, currency: Currency) -> Columns | None:
    """The columns as the first row names them; None when that is a payment already.

    Args:
        cells: without empty ones at the end.
        number: the row's line.

    Raises: InvalidInputError for headings that do not tell whom to pay how much: a guess could pay another sum.
    """
    if len(cells) < 2 or any(each.isdigit() for cell in cells for each in cell):  # noqa: PLR2004 - whom and how much
        return None  # every payment has a digit, in its amount, and no heading has one
    if not any(_known(_folded(cell)[0]) for cell in cells):
        message = f"Line {number:,} has no amount. If it holds headings, name them username, amount and memo."
        raise InvalidInputError(user_message=message, field="file")
    places: dict[str, int] = {}
    for place, cell in enumerate(cells):
        meaning = _meaning(cell, number, currency)
        if meaning is None:
            raise _refused(number, f"“{cell[:40]}” is not known. Keep the columns username, amount and memo, and no other")
        if meaning in places:
            raise _refused(number, f"“{cells[places[meaning]]}” and “{cell}” mean the same. Keep one of them")
        places[meaning] = place
    for meaning, what in (("to", "username"), ("amount", "amount")):
        if meaning not in places:
            raise _refused(number, f"no column is named {what}. Add that heading, or leave out the headings")
    return Columns(places["to"], places["amount"], places.get("memo"))


def _meaning(cell: str, number: int, currency: Currency) -> str | None:
    word, code = _folded(cell)
    meaning = _known(word)
    if meaning == "amount" and code and code.upper() != currency.code:
        raise _refused(number, f"the amounts are in {code.upper()}, and this wallet pays in {currency.code}. Write them in {currency.code}")
    return None if code and meaning != "amount" else meaning


def _known(word: str) -> str | None:
    return next((meaning for meaning, words in WORDS.items() if word in words), None)


def _folded(cell: str) -> tuple[str, str | None]:
    """The heading's word without case and accents, and the currency that it names."""
    decomposed = unicodedata.normalize("NFKD", cell.replace("\u2019", "'").casefold())
    word = " ".join("".join(each for each in decomposed if not unicodedata.combining(each)).split())
    found = CURRENCY_IN_HEADING.fullmatch(word)
    return (found[1], found[2] or found[3]) if found else (word, None)


def _refused(number: int, why: str) -> InvalidInputError:
    return InvalidInputError(user_message=f"Line {number:,} holds headings: {why}.", field="file")
