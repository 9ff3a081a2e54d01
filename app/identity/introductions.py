"""Owns finding many people at once, in one statement: who each API token belongs to, and who each handle names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from app.database import PreparedStatement
from app.identity.people import Person
from app.identity.tokens import USED_AGAIN_SECONDS, scopes_named
from app.identity.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

INTRODUCE: Final = PreparedStatement("introduce", text("""
    SELECT payer.id, payer.account_id, payer.username, payer.display_name, payer.joined_at, token.id, token.scopes,
           token.last_used_at IS NULL OR token.last_used_at < now() - make_interval(secs => :seconds),
           payee.username, payee.display_name, payee.joined_at, payee.account_id
    FROM unnest(CAST(:digests AS bytea[]), CAST(:handles AS text[])) WITH ORDINALITY AS asked (digest, handle, number)
    LEFT JOIN api_tokens AS token ON token.token_sha256 = asked.digest
    LEFT JOIN users AS payer ON payer.id = token.user_id
    LEFT JOIN users AS payee ON payee.username = asked.handle
    ORDER BY asked.number
"""))
MARK_USED: Final = text("UPDATE api_tokens SET last_used_at = now() WHERE id = ANY(:ids)")


@dataclass(frozen=True, slots=True)
class Introduction:
    """Who a token belongs to, and who a handle names; None for nobody."""

    viewer: Viewer | None
    person: Person | None


def introduce(session: Session, asked: Sequence[tuple[bytes, str]]) -> list[Introduction]:
    """Who is meant by each pair of a token's digest and a handle, in their order; one statement for all of them.

    Args:
        asked: SHA-256 of an API token, and a handle in lower case.
    """
    digests, handles = [digest for digest, _ in asked], [handle for _, handle in asked]
    rows = INTRODUCE.rows(session, digests=digests, handles=handles, seconds=USED_AGAIN_SECONDS)
    unmarked = {row[5] for row in rows if row[5] is not None and row[7]}
    if unmarked:
        session.execute(MARK_USED, {"ids": list(unmarked)})
    return [
        Introduction(
            viewer=None if row[0] is None else Viewer(
                user_id=row[0], account_id=row[1], username=row[2], display_name=row[3], joined_at=row[4],
                scopes=scopes_named(tuple(row[6])), login_id=None,
            ),
            person=None if row[8] is None else Person(row[8], row[9], row[10], row[11]),
        )
        for row in rows
    ]
