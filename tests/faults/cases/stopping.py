"""F18: stop, reload, fewer workers."""

import time

from tests.faults.cases.case import case
from tests.faults.cases.workers import place
from tests.faults.load import Load
from tests.faults.scene import Scene
from tests.live import LiveService
from tests.processes import wait_until

STOP_SECONDS = 30
RELOAD_SECONDS = 120
HUNG_SECONDS = 15  # longer than the drain, shorter than what a supervisor takes for hung


@case("F18", "stop, chain reload, fewer workers, a hung handler", rounds=5, tested_on=("mariadb",))
def stopped_and_reloaded(scene: Scene) -> None:
    """A chain reload, a stop and a start, four workers and then two, a hung handler, by turns."""
    scene.max_attempts = 5
    service = scene.serve(processes=4)
    with scene.load(service) as load:
        for number in range(scene.rounds):
            scene.pause_before()
            acts = (_reload, _stop_and_start, _fewer_workers, _stop_with_a_hung_handler)
            acts[number % len(acts)](scene, service, load)
            scene.fault_over()
    scene.bound_seconds = HUNG_SECONDS + 15
    scene.worked_off(service)


def _reload(scene: Scene, service: LiveService, load: Load) -> None:
    before, old = len(load.answers), set(service.worker_pids())
    reload(service)
    scene.expect(
        not old & set(service.worker_pids()), "after a chain reload a worker is an old one"
    )
    failed = [answer.status for answer in load.answers[before:] if answer.status != 201]
    scene.expect(not failed, f"in a chain reload requests were answered {failed[:10]}")


def reload(service: LiveService) -> None:
    """Exchange the workers one by one; returns when the last new one takes requests.

    One that is just starting anew, after a kill, uWSGI does not exchange once more.
    """
    before = service.reloads()
    service.begin_reload()
    wait_until(lambda: service.reloads() > before, RELOAD_SECONDS, "end of the reload")


def _stop_and_start(scene: Scene, service: LiveService, _load: Load) -> None:
    _expect_stop(scene, service)
    service.start(PROCESSES=4)


def _fewer_workers(scene: Scene, service: LiveService, _load: Load) -> None:
    _expect_stop(scene, service)
    service.start(PROCESSES=2)


def _stop_with_a_hung_handler(scene: Scene, service: LiveService, _load: Load) -> None:
    place(scene, scene.sender(service), f"hung-{time.monotonic()}", user_id=f"slow:{HUNG_SECONDS}")
    scene.kills += 1  # it does not end by itself: its order is adopted, its handler called again
    _expect_stop(scene, service)
    service.start(PROCESSES=4)


def _expect_stop(scene: Scene, service: LiveService) -> None:
    seconds = service.stop()
    scene.expect(seconds <= STOP_SECONDS, f"the stop took {seconds:.1f} s")
