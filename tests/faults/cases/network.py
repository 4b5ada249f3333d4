"""F10, F11: the network between service and database is cut without a word."""

import time
from functools import partial

from sqlalchemy.engine import make_url

from tests.faults.cases.case import SERVERS, case
from tests.faults.namespaces import Link, no_namespaces
from tests.faults.scene import Scene
from tests.processes import wait_until

REQUEST_SECONDS = 15
LOCKS_SECONDS = 10
TAKEOVER_SECONDS = 10  # the lease and 5 s
OPEN_TRANSACTIONS = {
    "mariadb": "SELECT trx_id FROM information_schema.innodb_trx WHERE trx_rows_locked > 0",
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE usename = 'orders'"
    " AND state LIKE 'idle in transaction%'",
}
HELD_BY_HOST = (
    "SELECT COUNT(*) FROM orders JOIN workers ON workers.id = orders.owner_id"
    " WHERE orders.status = 'PROCESSING' AND workers.host = '{}'"
)


def _link(scene: Scene, number: int) -> Link:
    server = scene.server
    name = "socket" if scene.site.database == "mariadb" else f".s.PGSQL.{server.port}"
    return scene.use(Link(number, server.directory / name, scene.directory))


def _through(scene: Scene, link: Link) -> str:
    url = make_url(scene.database_url).set(host=link.host, port=link.port)
    return url.render_as_string(hide_password=False)


@case(
    "F10",
    "the network is cut without a word",
    rounds=1,
    databases=SERVERS,
    obstacle=no_namespaces,
    tested_on=("postgresql",),
)
def network_cut(scene: Scene) -> None:
    """An interface down, for longer than a request may take."""
    link = _link(scene, 0)
    service = scene.serve(database_url=_through(scene, link))
    with scene.load(service, per_second=200) as load:
        for _ in range(scene.rounds):
            scene.pause_before(1, 2)
            cut, stood_still = time.monotonic(), scene.standstill_seconds
            link.cut()
            scene.recovered(
                lambda: not scene.server.administer(OPEN_TRANSACTIONS[scene.site.database]),
                LOCKS_SECONDS,
                "locks freed",
            )
            time.sleep(max(0, cut + REQUEST_SECONDS + 2 - time.monotonic()))
            link.restore()
            restored = time.monotonic()
            scene.recovered(partial(load.accepted_since, restored), 8, "first 201 afterwards")
            scene.fault_over()
            slowest = max(answer.seconds for answer in load.since(cut - REQUEST_SECONDS))
            slowest -= scene.standstill_seconds - stood_still
            scene.expect(slowest <= REQUEST_SECONDS + 0.5, f"a request took {slowest:.1f} s")
    scene.bound_seconds = 20
    scene.worked_off(service)


@case(
    "F11",
    "one of two hosts is cut off",
    rounds=1,
    databases=SERVERS,
    obstacle=no_namespaces,
    tested_on=("mariadb",),
)
def host_cut_off(scene: Scene) -> None:
    """The other takes over; what the first ends when it is back is refused."""
    links = [_link(scene, number) for number in (0, 1)]
    first, second = (
        scene.serve(
            database_url=_through(scene, link),
            ORDER_HANDLER="tests.faults.sabotage:handle",
            HOST_NAME=name,
        )
        for link, name in zip(links, ("first", "second"), strict=True)
    )
    with scene.load(first, per_second=60) as load, scene.load(second, per_second=30):
        for _ in range(scene.rounds):
            scene.pause_before(1, 2)
            wait_until(lambda: _held(scene, "first") > 0, 10, "an order in the first host's hands")
            links[0].cut()
            scene.recovered(lambda: _held(scene, "first") == 0, TAKEOVER_SECONDS, "takeover")
            scene.pauses += 2
            links[0].restore()
            restored = time.monotonic()
            scene.recovered(partial(load.accepted_since, restored), 12, "first 201 afterwards")
            scene.fault_over()
    scene.bound_seconds = 20
    scene.worked_off(second)


def _held(scene: Scene, host: str) -> int:
    ((orders,),) = scene.server.administer(HELD_BY_HOST.format(host), "faults")
    return int(orders)
