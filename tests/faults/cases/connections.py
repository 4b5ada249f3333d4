"""F8, F9, F12: connections to the database are killed, break around COMMIT, are slow."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import make_url

from tests.faults.cases.case import SERVERS, case
from tests.faults.load import Load
from tests.faults.proxy import Cut, Proxy
from tests.faults.scene import Scene
from tests.live import LiveService
from tests.processes import wait_until

KILLS_PER_SECOND = 4
MOST_ERRORS = 0.001
CUT_SECONDS = 20
SILENCE_SECONDS = 11  # the service waits 10 for an answer
SLOW_SECONDS = 5
STALL_SECONDS = 2.5  # below what the service waits for an answer
CONNECTIONS = {
    "mariadb": "SELECT id FROM information_schema.processlist WHERE user = 'orders'",
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE usename = 'orders'",
}
KILL = {"mariadb": "KILL {}", "postgresql": "SELECT pg_terminate_backend({})"}
WRITES = (b"INSERT INTO orders", b"held_fence")  # placing, ending


@case(
    "F8",
    "connections are killed, 4 a second",
    rounds=60,
    databases=SERVERS,
    tested_on=("postgresql",),
)
def connections_killed(scene: Scene) -> None:
    """Four a second, at random, for so many seconds."""
    scene.bound_seconds = 10
    service = scene.serve()
    with scene.load(service) as load:
        for _ in range(scene.rounds * KILLS_PER_SECOND):
            time.sleep(1 / KILLS_PER_SECOND)
            kill_a_connection(scene)
            scene.fault_over()
    errors = [answer.status for answer in load.answers if answer.status != 201]
    share = len(errors) / len(load.answers)
    scene.expect(
        share <= MOST_ERRORS,
        f"{len(errors)} of {len(load.answers)} requests failed, such as {errors[:10]}",
    )
    scene.worked_off(service)


def kill_a_connection(scene: Scene) -> None:
    """Have the server end one of the service's connections, drawn."""
    found = [pid for (pid,) in scene.server.administer(CONNECTIONS[scene.site.database])]
    if found:
        kill = KILL[scene.site.database].format(scene.random.choice(found))
        try:
            scene.server.administer(kill)
        except scene.server.refusals:  # it left by itself
            return


@contextmanager
def proxied(scene: Scene, **settings: object) -> Iterator[tuple[Proxy, LiveService]]:
    """Yield a service that reaches its database through a proxy."""
    with Proxy(scene.server.port) as proxy:
        url = make_url(scene.database_url).set(port=proxy.port)
        yield (
            proxy,
            scene.serve(database_url=url.render_as_string(hide_password=False), **settings),
        )


@case(
    "F9",
    "the connection breaks around COMMIT",
    rounds=10,
    databases=SERVERS,
    tested_on=("mariadb",),
)
def commit_lost(scene: Scene) -> None:
    """Before it, after it, its answer swallowed: of those that place orders and of the others."""
    scene.bound_seconds = 15
    with proxied(scene) as (proxy, service):
        with scene.load(service):
            for number in range(scene.rounds):
                for cut in (Cut.BEFORE, Cut.AFTER, Cut.ANSWER):
                    cut_a_commit(scene, proxy, cut, WRITES[number % 2])
                    scene.pause_before(0.05, 0.3)
            cut_a_commit(scene, proxy, Cut.SILENCE, WRITES[0])
            time.sleep(SILENCE_SECONDS)
            scene.fault_over()
        scene.worked_off(service)


def cut_a_commit(scene: Scene, proxy: Proxy, cut: Cut, marker: bytes) -> None:
    """Break the next connection that commits such a statement."""
    proxy.cut_next(cut, marker)
    wait_until(lambda: not proxy.armed, CUT_SECONDS, f"a COMMIT after {marker!r}")
    scene.fault_over()


@case("F12", "a slow network", rounds=1, databases=SERVERS, tested_on=("postgresql",))
def slow_network(scene: Scene) -> None:
    """200 ms to and fro, then stalls, then one byte at a time: slower, but no errors."""
    with proxied(scene) as (proxy, service):
        with scene.load(service, per_second=20) as load:
            for _ in range(scene.rounds):
                with _slower(scene, proxy, load, delay_seconds=0.1):
                    time.sleep(SLOW_SECONDS)
                for _ in range(2):
                    with _slower(scene, proxy, load, delay_seconds=STALL_SECONDS):
                        time.sleep(0.1)
                    time.sleep(STALL_SECONDS)
                with _slower(scene, proxy, load, piece_bytes=1):
                    time.sleep(SLOW_SECONDS)
        failed = [answer.status for answer in load.answers if answer.status != 201]
        scene.expect(not failed, f"answers {failed[:10]}")
        scene.worked_off(service)


@contextmanager
def _slower(
    scene: Scene, proxy: Proxy, load: Load, *, delay_seconds: float = 0, piece_bytes: int = 65536
) -> Iterator[None]:
    before = len(load.answers)
    proxy.delay_seconds, proxy.piece_bytes = delay_seconds, piece_bytes
    yield
    proxy.delay_seconds, proxy.piece_bytes = 0, 65536
    scene.fault_over()
    if delay_seconds < STALL_SECONDS:
        scene.expect(len(load.answers) > before, "no order was taken in meanwhile")
