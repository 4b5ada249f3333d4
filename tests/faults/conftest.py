"""Fixtures of the checker's own tests."""

from pathlib import Path

import pytest

from tests.faults.history import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    """A history in which nothing has happened yet."""
    return History(tmp_path)
