"""The protocol as designed, and what a plausible implementation of it gets wrong."""

from dataclasses import dataclass
from enum import Enum, auto


class Mistake(Enum):
    """Planted one at a time, to see that the search finds it."""

    CLAIM_BY_ID = auto()
    READ_BACK_WITHOUT_STATUS = auto()
    END_BY_ID = auto()
    RERUN_BY_ID = auto()
    ADOPT_BY_ID = auto()
    ADOPT_WITHOUT_BEAT = auto()
    ADOPT_WITHOUT_FENCE_STEP = auto()
    NO_ORPHAN_SEARCH = auto()
    NO_SWEEP = auto()
    COUNT_BEFORE_COMMIT = auto()


@dataclass(frozen=True)
class Protocol:
    """The rules of one search; `mistake` is None for the protocol as designed."""

    max_attempts: int = 2
    mistake: Mistake | None = None
