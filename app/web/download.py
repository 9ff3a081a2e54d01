"""Owns the answer that is a file made for one person: written whole first, then sent piece by piece."""

from __future__ import annotations

import tempfile
from typing import IO, TYPE_CHECKING, Final

from flask import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A file below this never touches the disk; one above it does not fill the memory.
IN_MEMORY_BYTES: Final = 1024 * 1024
PIECE_BYTES: Final = 64 * 1024


def download(content: Iterable[bytes], *, name: str, mimetype: str) -> Response:
    """The content as a file to keep.

    Written in full before it is sent: a slow reader would otherwise hold a database transaction open until PostgreSQL ends it, and
    half a file looks like a whole one.
    """
    kept = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - the response closes it when it is sent
    for piece in content:
        kept.write(piece)
    kept.seek(0)
    response = Response(_pieces(kept), mimetype=mimetype, headers={"Content-Disposition": f'attachment; filename="{name}"'})
    # A HEAD request, or a reader who goes away, never reads to the end.
    response.call_on_close(kept.close)
    return response


def _pieces(kept: IO[bytes]) -> Iterator[bytes]:
    with kept:
        while piece := kept.read(PIECE_BYTES):
            yield piece
