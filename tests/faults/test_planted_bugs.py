"""Mistakes planted on purpose: with the right fault the checker finds each of them.

Each fault hits where the mistake shows, however slow the machine is: the process dies or stands
still at the very point, and what the mistake leaves half done stays so until the fault has hit.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from app.processing.pace import BATCH_SECONDS
from tests.faults.cases.connections import WRITES, proxied
from tests.faults.cases.workers import ended, is_gone, place
from tests.faults.holding import BATCH
from tests.faults.load import plain_order
from tests.faults.proxy import Cut
from tests.faults.runner import seed_of_tests
from tests.faults.scene import Scene, Site
from tests.live import LiveService
from tests.processes import wait_until

SABOTAGED = "tests.faults.sabotage:handle"
SECONDS = 60
GIVE_UP_SECONDS = 3


def serve(scene: Scene, bug: str, **settings: object) -> LiveService:
    return scene.serve(ORDER_HANDLER=SABOTAGED, PLANTED_BUG=bug, **settings)


def a_pause(scene: Scene, bug: str) -> None:
    """A worker stands still with an order in hand, and ends it when another has done so."""
    service = serve(scene, bug, KILL_POINTS=armed(scene, "paused-in-handler"))
    workers = scene.all_workers(service)
    # Half a second to answer in; a client left without an answer asks the other worker, later.
    order_id = place(scene, scene.sender(service), "order", user_id="slow:0.5")
    wait_until(lambda: any(map(stands_still, workers)), SECONDS, "pause")
    (holder,) = filter(stands_still, workers)
    with scene.worker_paused(holder):
        wait_until(partial(ended, scene, order_id), SECONDS, "end of the order")
        (before,) = scene.rows()
    wait_until(lambda: scene.rows() != [before], SECONDS, "late ending")


def a_death_that_two_notice(scene: Scene, bug: str) -> None:
    """A worker dies in its handler; both the others take over what it held."""
    points = armed(scene, "in-handler", "first-look", "second-look", "second-takeover")
    service = serve(scene, bug, processes=3, KILL_POINTS=points)
    scene.all_workers(service, 3)
    place(scene, scene.sender(service), "order", user_id="return")
    wait_until(partial(is_gone, points / "second-takeover"), SECONDS, "the second takeover")
    scene.kills += 1
    scene.worked_off(service, GIVE_UP_SECONDS)


def a_death_before_the_hint(scene: Scene, bug: str) -> None:
    """A worker dies between its COMMIT and the hint at what it committed."""
    service = serve(scene, bug, KILL_POINTS=armed(scene, "after-commit"))
    scene.all_workers(service)
    place(scene, scene.sender(service), "order")
    scene.kills += 1
    scene.worked_off(service, GIVE_UP_SECONDS)


def a_kill_after_the_answer(scene: Scene, bug: str) -> None:
    """Everything is killed as soon as an order was answered."""
    service = serve(scene, bug)
    place(scene, scene.sender(service), "order")
    service.kill()
    scene.kills += 2
    service.start()
    scene.worked_off(service, GIVE_UP_SECONDS)


def a_kill_after_the_commit(scene: Scene, bug: str) -> None:
    """Everything is killed as soon as an order is in the table."""
    service = serve(scene, bug)
    with ThreadPoolExecutor(1) as pool:
        sender = scene.sender(service)
        asked = pool.submit(sender.place, "order", plain_order("order", 0))
        wait_until(lambda: bool(scene.rows()), SECONDS, "the order's row")
        service.kill()
        scene.kills += 2
        service.start()
        asked.result()
    scene.worked_off(service, GIVE_UP_SECONDS)


def nothing_at_all(scene: Scene, bug: str) -> None:
    """An order, with time to be worked off."""
    service = serve(scene, bug)
    scene.all_workers(service)
    place(scene, scene.sender(service), "order")
    scene.worked_off(service, GIVE_UP_SECONDS)


def lost_commits(scene: Scene, bug: str) -> None:
    """Answers to COMMIT are swallowed, for a client that sends no key and asks once."""
    bad = {"ORDER_HANDLER": SABOTAGED, "PLANTED_BUG": bug}
    with proxied(scene, processes=1, **bad) as (proxy, service):
        for marker in WRITES:
            proxy.cut_next(Cut.ANSWER, marker)
        scene.sender(service, keyed=False).place("order", plain_order("order", 0))
        wait_until(lambda: not proxy.armed, SECONDS, "both cuts")
        scene.fault_over()
        # The lost COMMIT got through, so all may seem well before its transaction is tried again.
        # The only processor does that before it ends another order.
        after = place(scene, scene.sender(service), "after")
        wait_until(partial(ended, scene, after), SECONDS, "end of the order after the cuts")
        scene.worked_off(service, GIVE_UP_SECONDS)


def a_stop(scene: Scene, bug: str) -> None:
    """SIGTERM with a batch in hand, of which only one order is begun before half time."""
    service = serve(scene, bug, processes=1)
    sender = scene.sender(service)
    for number in range(BATCH):
        place(scene, sender, f"order-{number}", user_id=f"slow:{2 * BATCH_SECONDS}")
    wait_until(lambda: {row.status for row in scene.rows()} == {"PROCESSING"}, SECONDS, "batch")
    service.stop()


def a_slow_sweep(scene: Scene, bug: str) -> None:
    """An order comes in while the sweep takes its time over an empty table, in its transaction."""
    scene.bound_seconds = 5
    points = armed(scene, "in-sweep")
    service = serve(scene, bug, processes=1, KILL_POINTS=points)
    wait_until(partial(is_gone, points / "in-sweep"), SECONDS, "sweep")
    place(scene, scene.sender(service), "order", user_id="return")
    scene.worked_off(service, SECONDS)


def armed(scene: Scene, *points: str) -> Path:
    """Return a directory in which these points are armed."""
    directory = scene.directory / "armed"
    directory.mkdir()
    for point in points:
        (directory / point).touch()
    return directory


def stands_still(pid: int) -> bool:
    """Whether the process is stopped by a signal."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(
    ("bug", "fault", "database", "rule"),
    [
        ("completing_by_id_alone", a_pause, "mariadb", 4),
        ("adopting_by_id_alone", a_death_that_two_notice, "postgresql", 4),
        ("queueing_before_the_commit", nothing_at_all, "postgresql", 3),
        ("answering_before_the_commit", a_kill_after_the_answer, "mariadb", 1),
        ("retrying_a_lost_commit_blindly", lost_commits, "mariadb", 6),
        ("sweep_off", a_death_before_the_hint, "mariadb", 3),
        ("no_fence_step_on_release", a_stop, "mariadb", 4),
        ("new_order_id_on_retry", lost_commits, "mariadb", 1),
        ("counters_outside_the_transaction", a_kill_after_the_commit, "postgresql", 6),
        ("repeatable_read", a_slow_sweep, "mariadb", 3),
    ],
)
def test_the_checker_finds(
    bug: str,
    fault: Callable[[Scene, str], None],
    database: str,
    rule: int,
    sites: Callable[[str], Site],
    tmp_path: Path,
) -> None:
    with Scene(sites(database), tmp_path, seed=seed_of_tests(), rounds=1) as scene:
        fault(scene, bug)
        verdict = scene.verdict()
    assert rule in {violation.rule for violation in verdict.violations}, str(verdict)


def test_the_checker_finds_nothing_where_no_bug_is_planted(
    sites: Callable[[str], Site], tmp_path: Path
) -> None:
    with Scene(sites("mariadb"), tmp_path, seed=seed_of_tests(), rounds=1) as scene:
        a_slow_sweep(scene, "read_committed")
        verdict = scene.verdict()

    assert verdict.ok, str(verdict)
