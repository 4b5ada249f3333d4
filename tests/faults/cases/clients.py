"""F17, F21 to F23: what clients do to the service, and everybody to the same rows."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from tests.faults.cases.case import case
from tests.faults.contention import Contention
from tests.faults.load import Sender
from tests.faults.scene import Scene
from tests.faults.script import Script
from tests.live import LiveService

IDLE_CONNECTIONS = 100
SLOW_CONNECTIONS = 20
SERVED_SECONDS = 1.5
FREED_SECONDS = 6  # uWSGI waits 4 s for the next byte
SENDERS = 50
SMALL_BACKLOG = 200
HANDLER_SECONDS = 0.02
GROWTH_MIB = 24
PAGE_BYTES = 4096
MEBIBYTE = 1024 * 1024


@case("F17", "slow and idle clients", rounds=5, tested_on=("postgresql",), quiet=True)
def slow_clients(scene: Scene) -> None:
    """Connections that say nothing, and connections that say a byte a second."""
    service = scene.serve(threads=32)
    address = ("127.0.0.1", int(urlsplit(service.url).port or 0))
    head = b"POST /orders HTTP/1.1\r\nHost: slow\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 1000\r\n\r\n{"
    open_ones = [
        scene.use(socket.create_connection(address))
        for _ in range(IDLE_CONNECTIONS + SLOW_CONNECTIONS)
    ]
    with scene.load(service) as load:
        for second in range(scene.rounds):
            for connection in open_ones[:SLOW_CONNECTIONS]:
                connection.send(head if second == 0 else b" ")
            time.sleep(1)
    scene.fault_over()
    slowest = max(answer.seconds for answer in load.answers) - scene.standstill_seconds
    scene.expect(slowest <= SERVED_SECONDS, f"others waited {slowest:.1f} s")
    scene.expect({a.status for a in load.answers} == {201}, "others were not served")
    scene.recovered(lambda: service.busy_threads() == 0, FREED_SECONDS, "threads freed")
    scene.worked_off(service)


@case("F21", "a flood at ten times the capacity", rounds=20, tested_on=("mariadb",))
def flood(scene: Scene) -> None:
    """What is too much is refused; memory stays flat."""
    scene.script = Script(otherwise=f"slow:{HANDLER_SECONDS}")
    service = scene.serve(MAX_BACKLOG=SMALL_BACKLOG)
    capacity = 2 / HANDLER_SECONDS
    with scene.load(service, senders=48, per_second=10 * capacity, again=False) as load:
        time.sleep(scene.rounds / 4)
        before = _memory_mib(service)
        time.sleep(scene.rounds * 3 / 4)
        grown = _memory_mib(service) - before
    scene.expect(grown <= GROWTH_MIB, f"memory grew by {grown:.0f} MiB")
    statuses = {answer.status for answer in load.answers}
    scene.expect(statuses <= {201, 429, 503}, f"answers {statuses}")
    scene.expect(503 in statuses, "nothing was refused")
    scene.worked_off(service)


def _memory_mib(service: LiveService) -> float:
    statm = [Path(f"/proc/{pid}/statm").read_text() for pid in service.worker_pids()]
    return sum(int(each.split()[1]) for each in statm) * PAGE_BYTES / MEBIBYTE


@case("F22", "one key, 50 senders at once", rounds=50, tested_on=("postgresql",))
def one_key(scene: Scene) -> None:
    """Rounds of the same request from everybody: one order, the same answer for all."""
    service = scene.serve(threads=32)
    senders = [scene.sender(service) for _ in range(SENDERS)]
    with ThreadPoolExecutor(SENDERS) as pool:
        for number in range(scene.rounds):
            together = threading.Barrier(SENDERS)
            asked = [pool.submit(_ask, each, f"round-{number}", together) for each in senders]
            answers = {each.result() for each in asked}
            scene.expect(
                len(answers) == 1 and None not in answers, f"round {number}: answers {answers}"
            )
    scene.worked_off(service)


def _ask(sender: Sender, key: str, together: threading.Barrier) -> str | None:
    """Return the id of the order; None if it was refused for longer than a while."""
    together.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = sender.place(key, {"user_id": 1, "item_ids": [key], "total_amount": 5})
        if answer.status == 201:
            return sender.order_id
    return None


@case(
    "F23",
    "claim, end, adopt, cancel, retry on the same 100 rows",
    rounds=20,
    tested_on=("mariadb",),
)
def same_rows(scene: Scene) -> None:
    """Threads that move the same rows as fast as they can, by the service's own statements."""
    scene.max_attempts = 10**9
    service = scene.serve(processes=1, MAX_ATTEMPTS=1000)
    keys = [f"row-{number}" for number in range(100)]
    service.stop()
    contention = Contention(scene.database_url, scene.journal)
    errors = contention.run(keys, seconds=scene.rounds)
    scene.expect(not errors, f"{len(errors)} errors, the first {errors[:1]}")
    scene.expect(contention.moves > 100, f"only {contention.moves} moves")
    service.start()
    scene.worked_off(service)
