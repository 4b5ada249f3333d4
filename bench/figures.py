"""What the bench finds: figures, each held against its target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: the median of its rounds."""

    target: str
    """Which of the targets, such as `P1`."""
    what: str
    database: str
    rounds: Sequence[float]
    """The figure of each round; what they differ by is the noise."""
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""
    """Empty for a ratio."""
    details: Mapping[str, object] = field(default_factory=dict)
    """What the figure was made of."""

    @property
    def value(self) -> float:
        """The figure."""
        return median(self.rounds)

    @property
    def bound(self) -> str:
        """The target as people write it."""
        if self.at_least is not None:
            return f"≥ {shown(self.at_least, self.unit)}"
        return "" if self.at_most is None else f"≤ {shown(self.at_most, self.unit)}"

    @property
    def verdict(self) -> str:
        """Whether the target was met; empty for a figure without one."""
        if self.at_least is not None:
            return "met" if self.value >= self.at_least else "missed"
        if self.at_most is not None:
            return "met" if self.value <= self.at_most else "missed"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A figure that could not be had here."""

    target: str
    what: str
    database: str
    reason: str


def shown(value: float, unit: str = "") -> str:
    """Return the value with as many digits as say something."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or not size else 3
    return f"{value:,.{digits}f} {unit}".strip()
