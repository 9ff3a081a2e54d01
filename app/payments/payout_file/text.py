"""Owns what a file's bytes are: text, or the sentence that says what they are instead."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from typing import Final

from app.errors import InvalidInputError

# 10,000 lines with the longest handles and memos of 200 letters take 2.5 MB.
MAXIMUM_FILE_BYTES: Final = 3 * 1024 * 1024
# How files begin that somebody may choose instead. Source: the formats' own signatures; Excel's .xlsx is a ZIP file.
SIGNATURES: Final = (
    (b"PK\x03\x04", "a spreadsheet or a ZIP file"),
    (b"PK\x05\x06", "an empty ZIP file"),
    (b"\xd0\xcf\x11\xe0", "a spreadsheet of an older Excel"),
    (b"%PDF", "a PDF file"),
    (b"\x1f\x8b", "a compressed file"),
    (b"{\\rtf", "a text document"),
)


def text_of_file(data: bytes) -> str:
    """The text, without its byte order mark. UTF-8 needs none, UTF-16 does.

    Raises: InvalidInputError for an empty file, one that is too large, and anything but such text.
    """
    if not data:
        raise _refused("The file is empty. Write one payment a line: username, amount, memo.")
    if len(data) > MAXIMUM_FILE_BYTES:
        raise too_large()
    for beginning, what in SIGNATURES:
        if data.startswith(beginning):
            raise _refused(f"This is {what}, not a CSV file. Save it as “CSV UTF-8” and choose that.")
    if data.startswith((BOM_UTF32_LE, BOM_UTF32_BE)):
        raise _refused("This file is in UTF-32. Save it as “CSV UTF-8” and choose it again.")
    return _utf_16(data) if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else _utf_8(data)


def too_large() -> InvalidInputError:
    """The refusal of a file that is not read to its end."""
    return _refused(f"The file is too large: it may have {MAXIMUM_FILE_BYTES // 1024**2} MB at most. Split it.")


def _utf_8(data: bytes) -> str:
    if b"\x00" in data:
        raise _refused("This is not a text file, or its encoding is not known. Save it as “CSV UTF-8” and choose it again.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise _refused(f"Line {number:,} is not in UTF-8. Save the file as “CSV UTF-8” and choose it again.") from error


def _utf_16(data: bytes) -> str:
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise _refused("This file says that it is in UTF-16, and is not. Save it as “CSV UTF-8” and choose it again.") from error
    if len(text.encode()) > MAXIMUM_FILE_BYTES:
        raise too_large()
    return text


def _refused(message: str) -> InvalidInputError:
    return InvalidInputError(user_message=message, field="file")
