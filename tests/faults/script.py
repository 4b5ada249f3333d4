"""What the handler of a run does to which order: a pure function, so that endings are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Self


class Act(StrEnum):
    """What a handler does once it has written its line."""

    RETURN = "return"
    SLOW = "slow"
    """Returns after so many seconds: `slow:0.2`."""
    RAISE = "raise"
    PERMANENT = "permanent"
    """Raises PermanentError."""
    EXIT = "exit"
    """Ends its process on the spot, in every attempt or in the first few alone: `exit:1`."""
    SEGV = "segv"
    """Reads address 0."""
    HANG = "hang"
    """Blocks for an hour."""
    ALLOCATE = "allocate"
    """Takes so many MiB, each written to, and raises if it lives through that: `allocate:512`."""


SUCCEEDING = (Act.RETURN, Act.SLOW)


@dataclass(frozen=True)
class Script:
    """The acts of one run. An order whose user is named like an act gets that act.

    Of the others, the share `failure_rate` of all attempts raises, drawn by `seed`; what is left
    gets `otherwise`.
    """

    otherwise: str = Act.RETURN
    seed: int = 0
    failure_rate: float = 0.0

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Return what HANDLER_ACT, HANDLER_SEED and HANDLER_FAILURE_RATE ask for."""
        return cls(
            otherwise=environment.get("HANDLER_ACT", Act.RETURN),
            seed=int(environment.get("HANDLER_SEED", "0")),
            failure_rate=float(environment.get("HANDLER_FAILURE_RATE", "0")),
        )

    def act(self, order_id: str, user_id: int | str, attempt: int) -> tuple[Act, float]:
        """Return what this attempt does, and its amount (0 if it has none)."""
        name, _, amount = str(user_id).partition(":")
        if name not in set(Act):
            if self._draw(order_id, attempt) < self.failure_rate:
                return Act.RAISE, 0.0
            name, _, amount = self.otherwise.partition(":")
        if name == Act.EXIT and amount and attempt > int(amount):
            return Act.RETURN, 0.0
        return Act(name), float(amount or 0)

    def attempts_until_end(self, order_id: str, user_id: int | str, max_attempts: int) -> int:
        """Return how often the handler is called if nothing but the script goes wrong."""
        for attempt in range(1, max_attempts):
            act, _ = self.act(order_id, user_id, attempt)
            if act in SUCCEEDING or act is Act.PERMANENT:
                return attempt
        return max_attempts

    def _draw(self, order_id: str, attempt: int) -> float:
        """Return a number in [0, 1) that looks random and never changes."""
        digest = sha256(f"{self.seed} {order_id} {attempt}".encode()).digest()
        return int.from_bytes(digest[:4]) / 2**32
