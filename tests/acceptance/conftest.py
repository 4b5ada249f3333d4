"""Fixtures: the client and the commands, ended with their test."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.browser import Browser
from tests.acceptance.commands import FlaskCommand
from tests.acceptance.load import Load
from tests.live import LiveService


@pytest.fixture
def start_load(tmp_path: Path) -> Iterator[Callable[..., Load]]:
    """Start client.py against a service; a failed test shows what it printed."""
    with ExitStack() as loads:

        def start(service: LiveService, **options: object) -> Load:
            load = Load(_own_directory(tmp_path, "load"), service.url, **options)
            loads.callback(load.close)
            loads.callback(lambda: sys.stdout.write(load.log()))
            return load

        yield start


@pytest.fixture
def start_flask(tmp_path: Path) -> Iterator[Callable[..., FlaskCommand]]:
    """Start `flask --app app ...`, arguments as `FlaskCommand` takes them."""
    with ExitStack() as commands:

        def start(*arguments: str, **variables: object) -> FlaskCommand:
            command = FlaskCommand(_own_directory(tmp_path, "flask"), *arguments, **variables)
            commands.callback(command.close)
            return command

        yield start


@pytest.fixture(scope="module")  # its thread's event loop would be in the way of other tests' own
def browser() -> Iterator[Browser]:
    """A browser without a screen; what its pages do that they should not fails their test."""
    if not Browser.is_installed():
        missing = "Debian's chromium is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with Browser() as running:
        yield running


def _own_directory(parent: Path, kind: str) -> Path:
    directory = parent / f"{kind}-{len(list(parent.glob(f'{kind}-*')))}"
    directory.mkdir()
    return directory
