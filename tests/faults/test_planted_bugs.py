"""Mistakes planted on purpose: with the right fault the checker finds each of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.cases.connections import WRITES, cut_a_commit, proxied
from tests.faults.cases.workers import place, stopped_with_orders
from tests.faults.load import Body
from tests.faults.proxy import Cut
from tests.faults.runner import seed_of_tests
from tests.faults.scene import Scene, Site
from tests.faults.script import Script
from tests.live import LiveService
from tests.processes import wait_until

SABOTAGED = "tests.faults.sabotage:handle"
GIVE_UP_SECONDS = 10
RUNS = 3


def serve(scene: Scene, bug: str, **settings: object) -> LiveService:
    return scene.serve(ORDER_HANDLER=SABOTAGED, PLANTED_BUG=bug, **settings)


def a_pause(scene: Scene, bug: str) -> None:
    """A worker stands still beyond its lease with an order in hand, and then ends it."""
    scene.script = Script(otherwise="slow:0.8")  # what holds an order is in its handler
    service = serve(scene, bug)
    with scene.load(service, per_second=2):
        victim = scene.all_workers(service)[0]
        with stopped_with_orders(scene, victim):
            wait_until(lambda: scene.holds_nothing(victim), 20, "takeover")
            scene.pause_before(1, 1.5)
    scene.worked_off(service, GIVE_UP_SECONDS)


def kills(scene: Scene, bug: str) -> None:
    """Workers are killed under load."""
    service = serve(scene, bug, processes=3)
    with scene.load(service):
        for _ in range(3):
            scene.pause_before()
            victim = scene.random.choice(scene.all_workers(service, 3))
            with stopped_with_orders(scene, victim):
                service.kill_worker(victim)
            scene.kills += 1
            scene.fault_over()
    scene.pause_before(3, 4)  # two adoptions a moment apart take a while
    scene.worked_off(service, GIVE_UP_SECONDS)


def nothing_at_all(scene: Scene, bug: str) -> None:
    """Orders one by one, with time to be worked off."""
    scene.bound_seconds = 1
    service = serve(scene, bug)
    for number in range(3):
        place(scene, scene.sender(service), f"order-{number}")
    scene.pause_before(1.5, 2)
    scene.worked_off(service, GIVE_UP_SECONDS)


def lost_commits(scene: Scene, bug: str) -> None:
    """Answers to COMMIT are swallowed, for clients that send no key and ask once."""
    with proxied(scene, ORDER_HANDLER=SABOTAGED, PLANTED_BUG=bug) as (proxy, service):
        with scene.load(service, keyed=False):
            for number in range(4):
                cut_a_commit(scene, proxy, Cut.ANSWER, WRITES[number % 2])
        scene.worked_off(service, GIVE_UP_SECONDS)


def a_stop(scene: Scene, bug: str) -> None:
    """SIGTERM with a batch in hand that takes longer than the drain."""
    service = serve(scene, bug, processes=1)
    sender = scene.sender(service)
    place(scene, sender, "first", user_id="slow:1.5")  # meanwhile the others queue up
    for number in range(40):  # until the processor expects orders to be quick, and claims many
        place(scene, sender, f"quick-{number}", user_id="return")
    for number in range(10):
        place(scene, sender, f"slow-{number}", user_id="slow:1.2")
    wait_until(lambda: sum(row.status == "PROCESSING" for row in scene.rows()) > 5, 10, "a batch")
    service.stop()
    scene.kills += 1
    service.start()
    scene.worked_off(service, GIVE_UP_SECONDS)


def slow_sweeps(scene: Scene, bug: str) -> None:
    """One worker takes its time over an empty table, in its transaction."""
    scene.bound_seconds = 2.5
    service = serve(scene, bug)
    with scene.load(service, per_second=10, make_body=quick_order):
        scene.pause_before(8, 8)
    scene.worked_off(service, GIVE_UP_SECONDS)


def quick_order(key: str, _number: int) -> Body:
    return {"user_id": "return", "item_ids": [key], "total_amount": 1}


@pytest.mark.parametrize(
    ("bug", "fault", "database", "rules"),
    [
        ("completing_by_id_alone", a_pause, "mariadb", {4}),
        ("adopting_by_id_alone", kills, "postgresql", {4}),
        ("queueing_before_the_commit", nothing_at_all, "postgresql", {3}),
        ("answering_before_the_commit", kills, "mariadb", {1}),
        ("retrying_a_lost_commit_blindly", lost_commits, "mariadb", {6}),
        ("sweep_off", kills, "mariadb", {3}),
        ("no_fence_step_on_release", a_stop, "mariadb", {4}),
        ("new_order_id_on_retry", lost_commits, "mariadb", {1}),
        ("counters_outside_the_transaction", kills, "mariadb", {6}),
        ("repeatable_read", slow_sweeps, "mariadb", {3}),
    ],
)
def test_the_checker_finds(
    bug: str,
    fault: Callable[[Scene, str], None],
    database: str,
    rules: set[int],
    sites: Callable[[str], Site],
    tmp_path: Path,
) -> None:
    verdicts = []
    for number in range(RUNS):  # a fault does not hit the bug's moment every time
        directory = tmp_path / str(number)
        directory.mkdir()
        seed = seed_of_tests() + number
        with Scene(sites(database), directory, seed=seed, rounds=1) as scene:
            fault(scene, bug)
            verdicts.append(scene.verdict())
        if rules & {violation.rule for violation in verdicts[-1].violations}:
            return
    pytest.fail("\n".join(map(str, verdicts)))


def test_the_checker_finds_nothing_where_no_bug_is_planted(
    sites: Callable[[str], Site], tmp_path: Path
) -> None:
    with Scene(sites("mariadb"), tmp_path, seed=seed_of_tests(), rounds=1) as scene:
        slow_sweeps(scene, "read_committed")
        verdict = scene.verdict()

    assert verdict.ok, str(verdict)
