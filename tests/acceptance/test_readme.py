"""README.md says what is so: its requests, its tables, its picture, its handler."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from app import create_app
from app.orders.lifecycle import TRANSITIONS
from app.settings import Settings
from tests.acceptance.readme import CURLRC, DEFAULT_URL, README, comparable, examples, fenced, table
from tests.databases import SQLiteFile
from tests.live import ROOT, LiveService
from tests.processes import wait_until

SECONDS = 30
FOR_BROWSERS = ("dashboard.", "docs.get_docs_file")
"""Endpoints that a browser asks for, not curl."""


def metrics(service: LiveService) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{service.url}/metrics", timeout=5).json()
    return found


def is_idle(service: LiveService) -> bool:
    found = metrics(service)
    return found["pending_count"] == found["processing_count"] == 0


def test_every_request_is_answered_as_the_readme_shows(tmp_path: Path, start_service) -> None:
    (tmp_path / ".curlrc").write_text(CURLRC)
    service = start_service(processes=2)
    wait_until(lambda: metrics(service)["workers"]["alive"] == 2, SECONDS, "both workers")
    for example in examples():
        status, answer = example.run(service.url, tmp_path)
        assert (status, comparable(answer)) == (example.status, comparable(example.answer))
        wait_until(lambda: is_idle(service), SECONDS, "order worked off")


def test_no_console_line_of_the_readme_goes_untested() -> None:
    assert len(examples()) == "".join(fenced("console")).count("$ ")


def test_the_readme_shows_every_request_there_is(tmp_path: Path) -> None:
    requests_of = create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db")).url_map
    adapter = requests_of.bind("127.0.0.1")
    shown = set()
    for example in examples():
        words = shlex.split(example.command, comments=True)
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        (url,) = (word for word in words if word.startswith(DEFAULT_URL))
        rule, _ = adapter.match(urlsplit(url).path, method, return_rule=True)
        shown.add(repr(rule))
    assert shown == {
        repr(rule)
        for rule in requests_of.iter_rules()
        if not rule.endpoint.startswith(FOR_BROWSERS)
    }


def test_the_readmes_settings_are_the_services_settings() -> None:
    here = f"{ROOT}/"
    defaults = Settings.model_construct().masked()
    assert table("variable", "default", "meaning") == [
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
    reasons = dict(table("dependency", "why"))
    assert list(reasons) == needed
    assert all(reasons.values())


@pytest.mark.parametrize("transition", TRANSITIONS, ids=lambda transition: transition.name)
def test_the_readmes_picture_has_every_transition(transition) -> None:
    picture = fenced("")[0]
    for word in {transition.name, transition.source, transition.target} - {None}:
        assert re.search(rf"\b{word}\b", picture)


def test_the_readmes_handler_handles_orders(tmp_path: Path) -> None:
    (handler,) = fenced("python")
    (path,) = re.findall(r"ORDER_HANDLER=(\S+) make run", README)
    (tmp_path / f"{path.partition(':')[0]}.py").write_text(handler)
    database_url = SQLiteFile(tmp_path).fresh()
    with LiveService(database_url, ORDER_HANDLER=path, PYTHONPATH=tmp_path) as service:
        for amount in (0, 5):
            order = {"order_id": f"costs-{amount}", "user_id": 1, "item_ids": [7]}
            create = requests.post(
                f"{service.url}/orders", json=order | {"total_amount": amount}, timeout=5
            )
            assert create.status_code == 201
        wait_until(lambda: is_idle(service), SECONDS, "orders worked off")
        free = requests.get(f"{service.url}/orders/costs-0", timeout=5).json()
        paid = requests.get(f"{service.url}/orders/costs-5", timeout=5).json()
        wait_until(lambda: "order costs-5, attempt 1: [7] for 1" in service.log(), SECONDS, "line")
    assert (free["status"], free["error"]) == ("FAILED", "PermanentError: nothing to pay for")
    assert paid["status"] == "COMPLETED"
