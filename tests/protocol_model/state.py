"""What there is: the rows of `orders` and `workers`, the counters, and each worker's memory.

Time is left out: whatever may happen late may happen at any later step, so what holds here holds
for every timing. A batch is a sequence of single rows, for each row is guarded by itself.
"""

from typing import NamedTuple

ABSENT, PENDING, PROCESSING = "ABSENT", "PENDING", "PROCESSING"
COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"
STATUSES = (ABSENT, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED)
ENDS = (COMPLETED, FAILED, CANCELLED)

# A silent worker is paused, cut off or slow: its beat stands still, what it still does comes late.
RUNNING, SILENT, DEAD = "running", "silent", "dead"

CLAIMED, RETURNED, RAISED, GAVE_UP = "claimed", "returned", "raised", "gave up"


class Order(NamedTuple):
    """A row of `orders`; the last five are what an all-seeing observer notes beside it."""

    status: str = ABSENT
    fence: int = 0
    attempts: int = 0
    owner: int | None = None
    transitions: int = 0
    ends_in_this_life: int = 0
    completions: int = 0
    handled_in_this_life: bool = False
    touched_by_hand: bool = False


class Claim(NamedTuple):
    """What a worker holds of one order: the fence its claim made, and how far the handler got."""

    fence: int
    handler: str = CLAIMED
    commit_in_doubt: bool = False


class Judgement(NamedTuple):
    """A worker row whose beat stood still for a lease, and the orders noted with it, if any."""

    row: int
    noted_orders: tuple[int, ...]
    beat_unchanged: bool = True


class Worker(NamedTuple):
    """A process: its row in `workers`, and its memory, which a kill empties."""

    row: int
    mode: str
    claims: tuple[Claim | None, ...]
    judgement: Judgement | None = None


class Faults(NamedTuple):
    """How many of each may still happen; cancel and retry by hand are bounded the same way."""

    kills: int = 0
    pauses: int = 0
    lost_commits: int = 0
    cancels: int = 0
    operator_retries: int = 0


class State(NamedTuple):
    """Everything at one moment. `counts` are the counters, one per member of STATUSES."""

    orders: tuple[Order, ...]
    active_rows: tuple[bool, ...]
    workers: tuple[Worker, ...]
    counts: tuple[int, ...]
    faults: Faults
    false_adoptions: int = 0


class Step(NamedTuple):
    """What is done, by which worker, to which order or worker row."""

    action: str
    worker: int | None = None
    subject: int | None = None

    def __str__(self) -> str:
        """One line of a trace, such as `claim order 0 by worker 1`."""
        subject = "" if self.subject is None else f" {self.subject}"
        worker = "" if self.worker is None else f" by worker {self.worker}"
        return f"{self.action}{subject}{worker}"


Edge = tuple[Step, State]


def first_state(orders: int, faults: Faults) -> State:
    """No order placed yet, two workers at rest."""
    workers = tuple(Worker(row, RUNNING, (None,) * orders) for row in range(2))
    counts = tuple(orders if status == ABSENT else 0 for status in STATUSES)
    return State((Order(),) * orders, (True, True), workers, counts, faults)
