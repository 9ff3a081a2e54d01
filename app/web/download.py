"""Owns the response that is a file for one person: it is written in full first, then sent in pieces."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Final

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A smaller file is kept in memory, a larger one on disk.
IN_MEMORY_BYTES: Final = 1024 * 1024
PIECE_BYTES: Final = 64 * 1024


def download(content: Iterable[bytes], *, name: str, mimetype: str) -> Response:
    """The content as a file to keep.

    It is written in full before it is sent. Otherwise a slow client would hold a database transaction open until PostgreSQL ends
    it, and half a file would look like a whole one.
    """
    kept = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the response closes it when it is sent
    for piece in content:
        kept.write(piece)
    kept.seek(0)
    response = Response(_pieces(kept), mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
    # A HEAD request never reads to the end, and neither does a client that disconnects.
    response.call_on_close(kept.close)
    return response


def _pieces(kept: IO[bytes]) -> Iterator[bytes]:
    with kept:
        while piece := kept.read(PIECE_BYTES):
            yield piece
