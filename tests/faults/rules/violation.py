"""What a broken rule is reported as."""

from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """What a violation means to whoever placed the order."""

    LOST = "lost"
    """Accepted, but not there, not at an end, or at its end unhandled."""
    TWICE = "twice"
    """There more than once, or ended more than once."""
    PHANTOM = "phantom"
    """There or handled, and nobody asked for it."""
    OTHER = "other"


@dataclass(frozen=True)
class Violation:
    """One rule broken by one order or key."""

    rule: int
    subject: str
    """An order id, a key, or what else the sentence is about."""
    sentence: str
    harm: Harm = Harm.OTHER
