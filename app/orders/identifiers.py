"""How a user's identifier is stored, as text, and shown, as it was meant."""

import re
from typing import Final

LARGEST_INTEGER: Final = 2**63 - 1
_CANONICAL_INTEGER: Final = re.compile(r"[1-9][0-9]{0,18}")


def shown(identifier: str) -> int | str:
    """Return an identifier that reads as a canonical integer as an integer, any other as it is."""
    if _CANONICAL_INTEGER.fullmatch(identifier) and int(identifier) <= LARGEST_INTEGER:
        return int(identifier)
    return identifier
