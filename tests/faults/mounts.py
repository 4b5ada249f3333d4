"""File systems that are there for one run: a small one in memory, and one in a file."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def no_mounts() -> str | None:
    """Return a sentence if file systems cannot be mounted here."""
    return None if os.geteuid() == 0 else "mounting a file system takes root"


@contextmanager
def memory_disk(directory: Path, mebibytes: int) -> Iterator[Path]:
    """Mount a file system of that size, in memory, on a new directory."""
    with _mounted(directory, "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "faults"):
        yield directory


def make_image(image: Path, mebibytes: int) -> None:
    """Make a file that holds an empty ext4 file system."""
    with image.open("wb") as file:
        file.truncate(mebibytes * 1024 * 1024)
    _run("mkfs.ext4", "-q", "-F", str(image))


@contextmanager
def image_disk(directory: Path, image: Path) -> Iterator[Path]:
    """Mount the file system in a file on a new directory; a journal is played back."""
    with _mounted(directory, "-o", "loop", str(image)):
        yield directory


@contextmanager
def _mounted(directory: Path, *what: str) -> Iterator[None]:
    directory.mkdir()
    _run("mount", *what, str(directory))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(directory))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PATH": _PATH})


_PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
