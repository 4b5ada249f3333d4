"""F13, F14: the disk under the database is full, or loses its power."""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.cases.case import SERVERS, case
from tests.faults.load import Body, Load, plain_order
from tests.faults.mounts import image_disk, make_image, memory_disk, no_mounts
from tests.faults.rows import read_rows
from tests.faults.scene import Scene, Site
from tests.faults.sites import FaultsDatabase
from tests.processes import wait_until
from tests.servers import DatabaseServer

DISK_MIB = {"mariadb": 220, "postgresql": 120}
IMAGE_MIB = 400
FULL_SECONDS = 20
COPIES = 10


@case(
    "F13",
    "the disk is full under the database",
    rounds=1,
    databases=SERVERS,
    obstacle=no_mounts,
    tested_on=("mariadb",),
)
def disk_full(scene: Scene) -> None:
    """A file takes all the room there is; it goes again after the first refusals."""
    with (
        _directory() as directory,
        memory_disk(directory / "disk", DISK_MIB[scene.site.database]) as disk,
        type(scene.server)(disk) as server,
    ):
        scene.move_to(Site(scene.site.database, FaultsDatabase(server), server))
        service = scene.serve()
        with scene.load(service, make_body=_large_order) as load:
            for _ in range(scene.rounds):
                scene.pause_before(1, 2)
                filled = time.monotonic()
                _fill(disk)
                _expect_a_refusal(scene, load, filled)
                scene.pause_before(1, 2)
                (disk / "filler").unlink()
                _start_again_if_it_ended(server)
                scene.recovered(
                    partial(load.accepted_since, time.monotonic()), 10, "first 201 with room again"
                )
                scene.fault_over()
        scene.worked_off(service)
        scene.close_services()
        scene.keep_rows()


def _large_order(key: str, number: int) -> Body:
    """Fill the table quickly."""
    return plain_order(key, number) | {"item_ids": [key, *["x" * 60] * 300]}


def _expect_a_refusal(scene: Scene, load: Load, since: float) -> None:
    with suppress(TimeoutError):
        wait_until(
            lambda: any(answer.status == 503 for answer in load.since(since)),
            FULL_SECONDS,
            "a refusal",
        )
        return
    scene.complaints.append("the full disk was not noticed")


def _start_again_if_it_ended(server: DatabaseServer) -> None:
    """PostgreSQL ends when there is no room for its log."""
    try:
        server.administer("SELECT 1")
    except server.refusals:
        server.kill()
        server.start()


def _fill(disk: Path) -> None:
    with (disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    with (disk / "filler").open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 512)


@case(
    "F14",
    "power cut: the database on a copy of its disk",
    rounds=3,
    databases=SERVERS,
    obstacle=no_mounts,
    tested_on=("postgresql",),
)
def power_cut(scene: Scene) -> None:
    """What is on the disk at a random moment is started from; nothing acknowledged may be missing.

    The server is stopped for the copy, but not its file system: what the server has written and not
    synced is in memory, not in the copy. Two equal copies in a row are what the disk held at one
    moment.
    """
    with _directory() as directory:
        image = directory / "image"
        make_image(image, IMAGE_MIB)
        with (
            image_disk(directory / "disk", image) as disk,
            type(scene.server)(disk) as server,
        ):
            scene.move_to(Site(scene.site.database, FaultsDatabase(server), server))
            subprocess.run(["sync", "--file-system", disk], check=True)  # it was installed long ago
            service = scene.serve()
            with scene.load(service):
                for number in range(scene.rounds):
                    scene.pause_before(1, 3)
                    copy = directory / f"copy-{number}"
                    before = _copy_at_a_standstill(server, image, copy)
                    scene.pauses += 1
                    scene.fault_over()
                    _expect_all(scene, server, directory, copy, before)
            scene.worked_off(service)
            scene.close_services()
            scene.keep_rows()


def _copy_at_a_standstill(server: DatabaseServer, image: Path, copy: Path) -> float:
    """Copy the disk as a power cut would leave it; returns when, in monotonic seconds."""
    server.pause()
    before = time.monotonic()
    try:
        for _ in range(COPIES):
            shutil.copyfile(image, copy)
            if _digest(image) == _digest(copy):
                return before
        raise TimeoutError("the disk is never quiet for as long as a copy takes")
    finally:
        server.resume()


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "blake2b").hexdigest()


def _expect_all(
    scene: Scene, server: DatabaseServer, directory: Path, copy: Path, before: float
) -> None:
    acknowledged = {
        call.order_id
        for call in scene.calls()
        if call.status == 201 and (call.answered_monotonic or before) < before
    }
    with image_disk(directory / f"{copy.name}-disk", copy) as disk:
        revived = type(server)(disk)
        revived.data = disk / server.directory.name / "data"
        (revived.data / "postmaster.pid").unlink(missing_ok=True)  # of the server that goes on
        try:
            revived.start()
            found = {row.order_id for row in read_rows(revived.url(FaultsDatabase.name))}
        finally:
            revived.close()
    copy.unlink()
    missing = acknowledged - found
    scene.expect(bool(acknowledged), "nothing was acknowledged before the power cut")
    scene.expect(not missing, f"{len(missing)} of {len(acknowledged)} acknowledged orders are lost")


@contextmanager
def _directory() -> Iterator[Path]:
    """Yield a directory that a server's own account may enter."""
    with TemporaryDirectory(prefix="disk-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory
