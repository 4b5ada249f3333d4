"""Cursors: where the next page of a list begins, as an opaque word.

A cursor is good for its own list only, so it carries a digest of what that list was asked with.
"""

import base64
import binascii
import hashlib
from typing import Final

_ID_BYTES: Final = 8
_DIGEST_BYTES: Final = 8
_LENGTH: Final = 22
"""Characters of 16 bytes in Base64 without its padding."""


def write_cursor(row_id: int, asked: str) -> str:
    """Return the cursor of the page behind this id, of the list that was asked for so."""
    packed = row_id.to_bytes(_ID_BYTES) + _digest(row_id, asked)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(cursor: str, asked: str) -> int | None:
    """Return the id behind which the page begins; None if this is no cursor of that list."""
    if len(cursor) != _LENGTH:
        return None
    try:
        packed = base64.b64decode(f"{cursor}==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    row_id = int.from_bytes(packed[:_ID_BYTES])
    return row_id if write_cursor(row_id, asked) == cursor else None


def _digest(row_id: int, asked: str) -> bytes:
    return hashlib.sha256(f"{row_id} {asked}".encode()).digest()[:_DIGEST_BYTES]
