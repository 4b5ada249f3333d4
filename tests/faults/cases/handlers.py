"""F5, F19, F20: what handlers do to the service."""

from collections import defaultdict
from functools import partial
from itertools import pairwise

from tests.faults.cases.case import case
from tests.faults.cases.workers import ended, place
from tests.faults.scene import Scene
from tests.faults.script import SUCCEEDING, Act, Script

LEASE_SECONDS = 5
ADOPTED_SECONDS = LEASE_SECONDS + 5
HANG_SECONDS = 4 * LEASE_SECONDS + 20  # seen after four leases; the drain takes its time, too
ROUND_SECONDS = 4  # sweep, claim and COMMIT between two attempts
RATES = (0.01, 0.1, 0.5)


@case("F5", "the processor raises, dies, hangs", rounds=3, tested_on=("postgresql",))
def processor_fails(scene: Scene) -> None:
    """One order that raises, one that takes its worker along, one that never returns."""
    scene.max_attempts = 2
    # One order in a batch: mates of the hanging one would lose an attempt with it.
    scene.script, scene.largest_batch = Script(otherwise="slow:0.06"), 1
    service = scene.serve()
    with scene.load(service, per_second=15) as load:
        sender = scene.sender(service)
        for number, act in enumerate([Act.RAISE, Act.EXIT, Act.HANG][: scene.rounds]):
            first = len(load.answers)
            order_id = place(scene, sender, f"{act}-{number}", user_id=str(act))
            bound = scene.max_attempts * (HANG_SECONDS if act is Act.HANG else ADOPTED_SECONDS)
            scene.recovered(
                partial(ended, scene, order_id),
                bound,
                f"end of an order whose handler is to {act}",
            )
            scene.kills += 0 if act is Act.RAISE else scene.max_attempts
            scene.fault_over()
            taken_in = any(answer.status == 201 for answer in load.answers[first:])
            if act is not Act.RAISE:  # which may be over before the next order comes
                scene.expect(taken_in, f"no order was taken in while a handler was to {act}")
    scene.worked_off(service)


@case("F19", "an order that kills its worker", rounds=1, tested_on=("sqlite",), quiet=True)
def poison(scene: Scene) -> None:
    """It fails after its attempts; those that were claimed with it are completed."""
    scene.max_attempts = 3
    service = scene.serve()
    sender = scene.sender(service)
    with scene.load(service):
        for number in range(scene.rounds):
            act = (Act.EXIT, Act.SEGV)[number % 2]
            order_id = place(scene, sender, f"poison-{number}", user_id=str(act))
            scene.recovered(
                partial(ended, scene, order_id),
                scene.max_attempts * 2 * LEASE_SECONDS,
                f"end of an order that is to {act}",
            )
            scene.kills += scene.max_attempts
            scene.fault_over()
    scene.worked_off(service)
    for row in scene.rows():
        poisonous = row.user_id in {Act.EXIT, Act.SEGV}
        scene.expect(
            row.status == ("FAILED" if poisonous else "COMPLETED"),
            f"an order of user {row.user_id} is {row.status}",
        )


@case("F20", "handlers fail", rounds=1000, tested_on=("sqlite",))
def handlers_fail(scene: Scene) -> None:
    """One rate after the other, by the seed: endings as drawn beforehand, backoff as configured."""
    base_seconds, rate = 0.2, RATES[scene.seed % len(RATES)]
    scene.script = Script(otherwise="return", seed=scene.seed, failure_rate=rate)
    service = scene.serve(RETRY_BASE_SECONDS=base_seconds)
    with scene.load(service, senders=16, per_second=300) as load:
        while len(load.answers) < scene.rounds:
            scene.pause_before(0.1, 0.2)
    scene.worked_off(service)
    for row in scene.rows():
        attempts = scene.script.attempts_until_end(row.order_id, row.user_id, scene.max_attempts)
        act, _ = scene.script.act(row.order_id, row.user_id, attempts)
        status = "COMPLETED" if act in SUCCEEDING else "FAILED"
        scene.expect(
            (row.status, row.attempts) == (status, attempts),
            f"{row.order_id} is {row.status} after {row.attempts} attempts, not {attempts}",
        )
    for attempt, waited in _waits(scene):
        longest = base_seconds * 2 ** (attempt - 1) + ROUND_SECONDS + scene.standstill_seconds
        scene.expect(waited <= longest, f"attempt {attempt + 1} came {waited:.1f} s late")


def _waits(scene: Scene) -> list[tuple[int, float]]:
    """Return the seconds from each attempt (its number first) to the next."""
    begun: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for call in scene.calls_of_handler():
        begun[call.order_id].append((call.attempt, call.monotonic_ns))
    return [
        (attempt, (later - earlier) / 1e9)
        for calls in begun.values()
        for (attempt, earlier), (_, later) in pairwise(calls)
    ]
