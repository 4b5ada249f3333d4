"""Schemathesis, which invents requests from the OpenAPI document, finds nothing to complain of."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.api_keys import make_key
from tests.live import ROOT, LiveService

EXAMPLES = 100
"""Per operation: a minute. To try more: `st run -n 1000`."""
SEED = 1


@pytest.mark.timeout(1200)
@pytest.mark.databases("mariadb")  # what it tries is the same way in, whatever the database is
def test_schemathesis_finds_nothing(start_service) -> None:
    key, entry = make_key("schemathesis", "admin")
    service: LiveService = start_service(API_KEYS=entry)
    command = [Path(sys.executable).with_name("st"), "run", f"{service.url}/openapi.json"]
    run = subprocess.run(
        [*command, "--checks=all", f"-n{EXAMPLES}", f"--seed={SEED}", "-H", f"X-API-Key: {key}"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " passed" in run.stdout
