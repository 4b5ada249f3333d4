"""F6, F7: the database server is killed, or stands still."""

import os
import time
from functools import partial
from pathlib import Path
from statistics import quantiles

from tests.faults.cases.case import SERVERS, case
from tests.faults.load import Answer, Load
from tests.faults.scene import Scene
from tests.live import LiveService

FIRST_ACCEPTED_SECONDS = 5
UNAVAILABLE_SECONDS = 0.05
SETTLING_SECONDS = 1
REQUEST_SECONDS = 15
CPU_SHARE = 0.01
IDLE_SECONDS = 10
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@case(
    "F6",
    "the database is killed and started again",
    rounds=3,
    databases=SERVERS,
    tested_on=("mariadb",),
    quiet=True,
)
def database_killed(scene: Scene) -> None:
    """SIGKILL to the server, and a start some seconds later."""
    service = scene.serve()
    with scene.load(service) as load:
        for number in range(scene.rounds):
            scene.pause_before(1, 2)
            scene.server.kill()
            killed = time.monotonic()
            if number == 0:
                _expect_idle(scene, service, load)
            time.sleep(scene.random.uniform(1, 6))
            back = time.monotonic()
            scene.server.start()
            _expect_quick_refusals(scene, load, killed + SETTLING_SECONDS, back)
            _expect_first_accepted(scene, load)
            scene.fault_over()
    scene.bound_seconds = 20
    scene.worked_off(service)


def _expect_idle(scene: Scene, service: LiveService, load: Load) -> None:
    """Without requests nothing but a probe now and then is done while the database is away.

    Averaged over some of the 0.5 to 4 s between probes.
    """
    load.rest()
    time.sleep(SETTLING_SECONDS)
    before = _cpu_seconds(service)
    time.sleep(IDLE_SECONDS)
    share = (_cpu_seconds(service) - before) / IDLE_SECONDS
    load.go_on()
    scene.expect(share <= CPU_SHARE, f"the service takes {share:.1%} of a CPU without a database")


def _cpu_seconds(service: LiveService) -> float:
    """What the workers have used; the master and the router do not know of the database."""
    ticks = 0
    for pid in service.worker_pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_SECOND


def _expect_quick_refusals(scene: Scene, load: Load, begin: float, end: float) -> None:
    """The time a client measures; the slowest twentieth may be probes, or this machine's doing."""
    refusals = [a for a in load.since(begin) if a.came <= end and a.status == 503]
    if len(refusals) < 20:
        return
    slowest = quantiles([answer.seconds for answer in refusals], n=20)[-1]
    scene.expect(
        slowest <= UNAVAILABLE_SECONDS,
        f"503 took {slowest * 1000:.0f} ms (95th percentile of {len(refusals)})",
    )


def _expect_first_accepted(scene: Scene, load: Load) -> None:
    back = time.monotonic()
    scene.recovered(
        partial(load.accepted_since, back), FIRST_ACCEPTED_SECONDS, "first 201 afterwards"
    )


@case(
    "F7",
    "the database stands still",
    rounds=1,
    databases=SERVERS,
    tested_on=("postgresql",),
)
def database_paused(scene: Scene) -> None:
    """SIGSTOP to the server for longer than a request may take."""
    service = scene.serve()
    with scene.load(service) as load:
        for _ in range(scene.rounds):
            scene.pause_before(1, 2)
            stood_still = scene.standstill_seconds
            scene.server.pause()
            paused = time.monotonic()
            try:
                time.sleep(REQUEST_SECONDS + 2)
            finally:
                scene.server.resume()
                scene.pauses += 1
            _expect_first_accepted(scene, load)
            scene.fault_over()
            stood_still = scene.standstill_seconds - stood_still
            _expect_answers(scene, load.since(paused - REQUEST_SECONDS), stood_still)
    scene.bound_seconds = 20
    scene.worked_off(service)


def _expect_answers(scene: Scene, answers: list[Answer], stood_still: float) -> None:
    slowest = max(answer.seconds for answer in answers) - stood_still
    scene.expect(slowest <= REQUEST_SECONDS + 0.5, f"a request took {slowest:.1f} s")
    broken = sum(answer.status is None for answer in answers)
    scene.expect(not broken, f"{broken} requests had no answer")
