"""F24: all of it, at random."""

import time
from collections.abc import Callable

from tests.faults.cases.case import case
from tests.faults.cases.connections import SILENCE_SECONDS, WRITES, kill_a_connection, proxied
from tests.faults.cases.stopping import reload
from tests.faults.load import Body, plain_order
from tests.faults.proxy import Cut, Proxy
from tests.faults.rows import OrderRow
from tests.faults.scene import WORKER_SECONDS, Scene
from tests.faults.script import Act
from tests.live import LiveService
from tests.processes import wait_until

MILD = (*("slow:0.05", "raise", "permanent") * 3, "exit:1")
ACTS = (*MILD * 4, "exit")
KILLERS_SECONDS = 300


@case("F24", "all of it, at random", rounds=180, tested_on=("mariadb",))
def everything(scene: Scene) -> None:
    """A nemesis that draws its next fault, for so many seconds."""
    scene.max_attempts = 8
    scene.bound_seconds = 45
    if scene.site.server is None:
        _torment(scene, scene.serve(), None)
        return
    with proxied(scene) as (proxy, service):
        _torment(scene, service, proxy)


def _torment(scene: Scene, service: LiveService, proxy: Proxy | None) -> None:
    nemesis = Nemesis(scene, service, proxy)
    end = time.monotonic() + scene.rounds

    def some_are_odd(key: str, number: int) -> Body:
        odd = {"user_id": ACTS[number // 50 % len(ACTS)]} if number % 50 == 0 else {}
        return plain_order(key, number) | odd

    with scene.load(service, make_body=some_are_odd, per_second=60):
        while time.monotonic() < end:
            scene.pause_before(0.2, 1.5)
            nemesis.strike()
    # An order that kills its worker is a fault until it has ended, and may take a batch along with
    # it at each attempt.
    deaths = {"exit": scene.max_attempts, "exit:1": 1}
    scene.kills += sum(deaths[killer.user_id] for killer in _killers(scene))
    wait_until(
        lambda: all(killer.completed_at for killer in _killers(scene)), KILLERS_SECONDS, "killers"
    )
    scene.fault_over()
    scene.worked_off(service, 150)


def _killers(scene: Scene) -> list[OrderRow]:
    return [row for row in scene.rows() if row.user_id.startswith(Act.EXIT)]


class Nemesis:
    """Draws a fault and makes it."""

    def __init__(self, scene: Scene, service: LiveService, proxy: Proxy | None) -> None:
        self._scene, self._service, self._proxy = scene, service, proxy
        self._faults: list[Callable[[], None]] = [
            self._kill_worker,
            self._kill_worker,
            self._pause_worker,
            self._kill_service,
            self._stop_service,
            self._reload,
        ]
        if proxy is not None:
            self._faults += [
                self._kill_database,
                self._pause_database,
                self._kill_connections,
                self._kill_connections,
                self._cut_commits,
                self._cut_commits,
                self._cut_commits,
            ]

    def strike(self) -> None:
        """One fault, drawn; returns when it is over."""
        self._scene.random.choice(self._faults)()

    def _kill_worker(self) -> None:
        self._scene.kill_worker(self._service)

    def _pause_worker(self) -> None:
        victim = self._scene.random.choice(self._scene.all_workers(self._service))
        with self._scene.worker_paused(victim):
            self._scene.pause_before(0.5, 9)

    def _kill_service(self) -> None:
        self._service.kill()
        self._scene.kills += 2
        self._service.start()
        self._scene.fault_over()

    def _stop_service(self) -> None:
        # A worker that uWSGI is just forking would not hear of the stop.
        wait_until(self._service.loaded, WORKER_SECONDS, "workers of before the stop")
        self._service.stop()
        self._scene.kills += 2  # what is not done within the drain is given to others
        self._service.start()
        self._scene.fault_over()

    def _reload(self) -> None:
        self._scene.all_workers(self._service)
        reload(self._service)
        self._scene.kills += 2
        self._scene.fault_over()

    def _kill_database(self) -> None:
        self._scene.server.kill()
        self._scene.pause_before(0, 5)
        self._scene.server.start()
        self._scene.fault_over()

    def _pause_database(self) -> None:
        self._scene.server.pause()
        self._scene.pause_before(0.5, 5)
        self._scene.server.resume()
        self._scene.fault_over()

    def _kill_connections(self) -> None:
        for _ in range(self._scene.random.randint(1, 8)):
            kill_a_connection(self._scene)
        self._scene.fault_over()

    def _cut_commits(self) -> None:
        assert self._proxy is not None
        cut = self._scene.random.choice(list(Cut))
        silence = SILENCE_SECONDS if cut is Cut.SILENCE else 0
        self._proxy.cut_next(cut, self._scene.random.choice(WRITES))
        wait_until(lambda: not self._proxy.armed, 40, "a COMMIT to cut")
        time.sleep(silence)
        self._scene.fault_over()
