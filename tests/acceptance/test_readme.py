"""README.md says what is so: its tables, its picture, its handler."""

import re
import tomllib
from pathlib import Path

import pytest
import requests

from app.orders.lifecycle import TRANSITIONS
from app.settings import Settings
from tests.acceptance.documentation import README
from tests.acceptance.test_requests import is_idle
from tests.databases import SQLiteFile
from tests.live import ROOT, LiveService
from tests.processes import wait_until

SECONDS = 30


def test_the_readmes_settings_are_the_services_settings() -> None:
    here = f"{ROOT}/"
    defaults = Settings.model_construct().masked()
    assert README.table("variable", "default", "meaning") == [
        (
            f"`{name}`",
            f"`{default}`".replace(here, "") if default != "" else "empty",
            Settings.model_fields[name.lower()].description,
        )
        for name, default in defaults.items()
    ]


def test_the_readme_says_why_each_dependency_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [re.split(r"[\[<>=]", each)[0] for each in project["dependencies"]]
    reasons = dict(README.table("dependency", "why"))
    assert list(reasons) == needed
    assert all(reasons.values())


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.name)
def test_the_readmes_picture_has_every_transition(transition) -> None:
    picture = README.fenced("")[0]
    for word in {transition.name, transition.source, transition.target} - {None}:
        assert re.search(rf"\b{word}\b", picture)


def test_the_readmes_handler_handles_orders(tmp_path: Path) -> None:
    (handler,) = README.fenced("python")
    (path,) = re.findall(r"ORDER_HANDLER=(\S+) make run", README.text)
    (tmp_path / f"{path.partition(':')[0]}.py").write_text(handler)
    database_url = SQLiteFile(tmp_path).fresh()
    with LiveService(database_url, ORDER_HANDLER=path, PYTHONPATH=tmp_path) as service:
        for amount in (0, 5):
            order = {"order_id": f"costs-{amount}", "user_id": 1, "item_ids": [7]}
            create = requests.post(
                f"{service.url}/orders", json=order | {"total_amount": amount}, timeout=60
            )
            assert create.status_code == 201
        wait_until(lambda: is_idle(service), SECONDS, "orders worked off")
        free = requests.get(f"{service.url}/orders/costs-0", timeout=60).json()
        paid = requests.get(f"{service.url}/orders/costs-5", timeout=60).json()
        wait_until(lambda: "order costs-5, attempt 1: [7] for 1" in service.log(), SECONDS, "line")
    assert (free["status"], free["error"]) == ("FAILED", "PermanentError: nothing to pay for")
    assert paid["status"] == "COMPLETED"
