"""Breadth first through every state that can be reached, so the first trace found is a shortest."""

from collections import deque
from dataclasses import dataclass, field

from tests.protocol_model.invariants import all_ended, violations
from tests.protocol_model.protocol import Protocol
from tests.protocol_model.state import State, Step
from tests.protocol_model.steps import is_recovery, next_steps


@dataclass(frozen=True)
class Finding:
    """How many states a search met, and a shortest way to a violation if there is one."""

    states: int
    violation: str | None = None
    trace: tuple[str, ...] = ()


@dataclass
class _Explored:
    """States in the order they were found, how each was reached, and who recovers into it."""

    numbers: dict[State, int] = field(default_factory=dict)
    reached_by: list[tuple[int, Step] | None] = field(default_factory=list)
    recovers_from: list[list[int]] = field(default_factory=list)

    def add(self, state: State, reached_by: tuple[int, Step] | None) -> int:
        number = self.numbers[state] = len(self.reached_by)
        self.reached_by.append(reached_by)
        self.recovers_from.append([])
        return number

    def trace_to(self, number: int) -> tuple[str, ...]:
        steps: list[str] = []
        while (edge := self.reached_by[number]) is not None:
            number, step = edge
            steps.append(str(step))
        return tuple(reversed(steps))


def search(protocol: Protocol, start: State) -> Finding:
    """Every state reachable from `start`, up to the first that violates an invariant.

    If none does, the first from which the service by itself reaches no end of all orders.
    """
    explored = _Explored()
    waiting = deque([(explored.add(start, None), start)])
    while waiting:
        number, state = waiting.popleft()
        for step, after in next_steps(protocol, state):
            number_after = explored.numbers.get(after)
            if number_after is None:
                number_after = explored.add(after, (number, step))
                waiting.append((number_after, after))
                for violation in violations(protocol, after):
                    return Finding(number_after + 1, violation, explored.trace_to(number_after))
            if is_recovery(state, step):
                explored.recovers_from[number_after].append(number)
    return _stuck(explored)


def _stuck(explored: _Explored) -> Finding:
    """Backwards from the states where all orders ended: whatever is not met there is stuck."""
    recovers = bytearray(len(explored.numbers))
    waiting = [number for state, number in explored.numbers.items() if all_ended(state)]
    for number in waiting:
        recovers[number] = True
    while waiting:
        for earlier in explored.recovers_from[waiting.pop()]:
            if not recovers[earlier]:
                recovers[earlier] = True
                waiting.append(earlier)
    stuck = recovers.find(0)
    if stuck < 0:
        return Finding(len(explored.numbers))
    trace = explored.trace_to(stuck)
    return Finding(len(explored.numbers), "an order never reaches an end", trace)
