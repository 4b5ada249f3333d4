"""What a database error says about trying again."""

from enum import Enum, auto
from typing import Final


class Fault(Enum):
    """The kinds of errors after which something can be tried again, now or later."""

    CONFLICT = auto()
    """Another transaction was in the way: the same again can succeed."""
    GONE = auto()
    """The connection or the server is lost: a new connection can succeed."""
    READ_ONLY = auto()
    """The server takes no writes: behind its address there may be another, which does."""
    EXHAUSTED = auto()
    """No room, no time, no connection left: trying again at once makes it worse."""


LOST: Final = frozenset({Fault.GONE, Fault.READ_ONLY})
"""After these a connection is of no more use."""
