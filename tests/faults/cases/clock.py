"""F15: the clock jumps an hour either way."""

from tests.faults.cases.case import case
from tests.faults.movable_clock import MovableClock
from tests.faults.rows import OrderRow
from tests.faults.scene import Scene

JUMP_SECONDS = 3600
LATE_SECONDS = 2


@case("F15", "the clock jumps an hour either way", rounds=2, tested_on=("sqlite",), quiet=True)
def clock_jumps(scene: Scene) -> None:
    """All of the service's processes at once; the monotonic clock goes on as it did."""
    scene.clock_is_true = False
    clock = MovableClock(scene.directory)
    service = scene.serve(**clock.settings)
    jumps = [JUMP_SECONDS, -JUMP_SECONDS] * scene.rounds
    with scene.load(service):
        for jump in jumps[: scene.rounds]:
            scene.pause_before(2, 3)
            clock.move(jump)
            scene.pause_before(4, 6)
            clock.move(0)
            scene.fault_over()
        scene.pause_before(1, 2)
    scene.worked_off(service)
    scene.expect(scene.counted("adopt") == 0, f"{scene.counted('adopt')} orders were adopted")
    _expect_no_delay(scene)


def _expect_no_delay(scene: Scene) -> None:
    """By the clock of the machine: from the answer to the handler, and in no row less than 0."""
    begun = {call.order_id: call.monotonic_ns / 1e9 for call in reversed(scene.calls_of_handler())}
    waits = [
        begun[call.order_id] - call.answered_monotonic
        for call in scene.calls()
        if call.status == 201 and call.order_id in begun
    ]
    longest = max(waits) - scene.standstill_seconds
    scene.expect(longest <= LATE_SECONDS, f"a fresh order waited {longest:.1f} s")
    negative = [row.order_id for row in scene.rows() if _is_negative(row)]
    scene.expect(not negative, f"negative durations: {negative[:5]}")


def _is_negative(row: OrderRow) -> bool:
    """Of an order that has come to its end."""
    return not row.created_at <= (row.started_at or 0) <= (row.completed_at or 0)
