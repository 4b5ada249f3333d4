"""Identifiers: what an order's may be, and how a user's, stored as text, is shown."""

import re
from typing import Final

LARGEST_INTEGER: Final = 2**63 - 1
ORDER_ID_PATTERN: Final = r"^[A-Za-z0-9._:-]{1,64}$"
_CANONICAL_INTEGER: Final = re.compile(r"[1-9][0-9]{0,18}")


def may_be_order_id(text: str) -> bool:
    """Tell whether an order can have this id; a database need not be asked about another."""
    return re.fullmatch(ORDER_ID_PATTERN, text) is not None


def shown(identifier: str) -> int | str:
    """Return an identifier that reads as a canonical integer as an integer, any other as it is."""
    if _CANONICAL_INTEGER.fullmatch(identifier) and int(identifier) <= LARGEST_INTEGER:
        return int(identifier)
    return identifier
