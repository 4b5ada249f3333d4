"""F1 to F4, F16: a worker is killed, paused, out of memory."""

import os
import signal
import time
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.cases.case import SERVERS, case
from tests.faults.load import Sender
from tests.faults.memory import kills, limit_address_space, memory_group
from tests.faults.scene import Scene
from tests.live import LiveService
from tests.processes import wait_until

ADOPTED_SECONDS = 6
RESTARTED_SECONDS = 10
LEASE_SECONDS = 5
NOTICE_SECONDS = 5
MEMORY_MIB = 700
POINTS = (
    "before-commit",
    "after-commit",
    "after-claim",
    "in-handler",
    "before-ending",
    "after-ending",
)
# What is found of an order after its worker was killed at the point: attempts, handler calls.
OUTCOMES = {
    "before-commit": (1, 1),
    "after-commit": (1, 1),
    "after-claim": (2, 1),
    "in-handler": (2, 2),
    "before-ending": (2, 2),
    "after-ending": (1, 1),
}


@case("F1", "a worker is killed", rounds=10, tested_on=("mariadb",), quiet=True)
def worker_killed(scene: Scene) -> None:
    """SIGKILL to a worker under load, again and again."""
    scene.bound_seconds = ADOPTED_SECONDS + 2
    service = scene.serve()
    with scene.load(service):
        for _ in range(scene.rounds):
            scene.pause_before()
            victim = scene.kill_worker(service)
            scene.recovered(
                partial(scene.holds_nothing, victim),
                ADOPTED_SECONDS,
                "adoption of a killed worker's orders",
            )
    scene.worked_off(service)


@case("F2", "the master, or all, is killed", rounds=3, tested_on=("postgresql",), quiet=True)
def service_killed(scene: Scene) -> None:
    """SIGKILL to the master alone, or to every process, and a new start."""
    scene.bound_seconds = RESTARTED_SECONDS
    service = scene.serve()
    with scene.load(service):
        for number in range(scene.rounds):
            scene.pause_before(1, 2)
            scene.all_workers(service)
            if number % 2:
                service.kill()
            else:
                kill_master(service)
            scene.kills += 2
            service.start()
            scene.fault_over()
            scene.recovered(
                lambda: scene.signed_on() == 2,
                RESTARTED_SECONDS,
                "retirement of the workers from before",
            )
    scene.worked_off(service)


def kill_master(service: LiveService) -> None:
    """Kill the master; its workers leave by themselves, or are made to after a while."""
    os.kill(service.master_pid, signal.SIGKILL)
    with suppress(TimeoutError):
        wait_until(lambda: not service.running, LEASE_SECONDS, "end of the workers")
    service.kill()


@case(
    "F3",
    "killed at a named point around COMMIT, hint, claim, handler, ending",
    rounds=3,
    tested_on=("postgresql",),
)
def killed_at_a_point(scene: Scene) -> None:
    """Each point in turn; the state found afterwards is exactly the one expected."""
    armed = scene.directory / "armed"
    armed.mkdir()
    service = scene.serve(ORDER_HANDLER="tests.faults.sabotage:handle", KILL_POINTS=armed)
    sender = scene.sender(service)
    for number in range(scene.rounds):
        for point in POINTS:
            scene.all_workers(service)
            (armed / point).touch()
            key = f"{point}-{number}"
            order_id = place(scene, sender, key, user_id="return")
            wait_until(partial(is_gone, armed / point), 60, f"kill {point}")
            scene.kills += 1
            scene.fault_over()
            scene.recovered(
                partial(ended, scene, order_id),
                ADOPTED_SECONDS + 3,
                f"end of the order killed {point}",
            )
            found = next(row for row in scene.rows() if row.order_id == order_id)
            calls = sum(call.order_id == order_id for call in scene.calls_of_handler())
            scene.expect(
                (found.attempts, calls) == OUTCOMES[point],
                f"killed {point}: {found.attempts} attempts, {calls} calls of the handler",
            )
    scene.largest_batch = 1
    scene.worked_off(service)


def place(scene: Scene, sender: Sender, key: str, **body: Any) -> str:
    """Ask for an order until it is answered 201; returns its id."""
    order = {"user_id": 1, "item_ids": [key], "total_amount": 1} | body
    deadline = time.monotonic() + 30
    while sender.place(key, order).status != 201:
        if time.monotonic() > deadline:
            raise TimeoutError(f"order {key!r} is not taken in")
        scene.pause_before(0.05, 0.2)
    return str(sender.order_id)


def is_gone(file: Path) -> bool:
    """Whether somebody has removed the file."""
    return not file.exists()


def ended(scene: Scene, order_id: str) -> bool:
    """Whether the order has come to its end."""
    return any(row.order_id == order_id and row.completed_at for row in scene.rows())


@case(
    "F4",
    "a worker is paused beyond its lease",
    rounds=2,
    databases=SERVERS,  # paused in a transaction it would hold SQLite's only lock, for ever
    tested_on=("postgresql",),
    quiet=True,
)
def worker_paused(scene: Scene) -> None:
    """SIGSTOP in the middle of work; what it ends afterwards moves nothing."""
    scene.bound_seconds = LEASE_SECONDS + NOTICE_SECONDS
    service = scene.serve()
    with scene.load(service):
        for _ in range(scene.rounds):
            victim = scene.random.choice(scene.all_workers(service))
            scene.pause_before()
            with stopped_with_orders(scene, victim):
                scene.recovered(
                    partial(scene.holds_nothing, victim),
                    LEASE_SECONDS + NOTICE_SECONDS,
                    "takeover from a paused worker",
                )
                scene.pause_before(0.5, 1)
            scene.recovered(lambda: scene.signed_on() == 2, NOTICE_SECONDS, "return of the worker")
    scene.worked_off(service)


def stopped_with_orders(scene: Scene, pid: int) -> AbstractContextManager[None]:
    """Pause the worker at a moment at which it has orders in hand."""
    deadline = time.monotonic() + 20
    while True:
        os.kill(pid, signal.SIGSTOP)
        if not scene.holds_nothing(pid):
            return scene.worker_paused(pid)
        os.kill(pid, signal.SIGCONT)
        if time.monotonic() > deadline:
            raise TimeoutError(f"worker {pid} never holds an order")
        time.sleep(scene.random.uniform(0.001, 0.02))


@case("F16", "out of memory", rounds=1, tested_on=("mariadb",), quiet=True)
def out_of_memory(scene: Scene) -> None:
    """An order that allocates more than its worker may have."""
    scene.max_attempts = 2
    with memory_group(f"order-processing-faults-{os.getpid()}", MEMORY_MIB) as group:
        service = scene.serve(MEMORY_GROUP=group or "")
        if group is None:
            limit_address_space(service.master_pid, MEMORY_MIB)
        with scene.load(service):
            sender = scene.sender(service)
            for number in range(scene.rounds):
                order_id = place(scene, sender, f"large-{number}", user_id=f"allocate:{MEMORY_MIB}")
                wait_until(partial(ended, scene, order_id), 60, "end of the large order")
                scene.kills += scene.max_attempts
                scene.fault_over()
        if group is not None:
            scene.expect(kills(group) >= scene.kills, f"only {kills(group)} ran out of memory")
        scene.worked_off(service)
