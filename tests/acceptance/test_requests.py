"""Every request that README.md and docs/api.md show is answered as they show it."""

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.routing import Rule

from app import create_app
from app.api.openapi.document import build_document
from app.api.openapi.problems import MEDIA_TYPE
from app.settings import Settings
from tests.acceptance.documentation import (
    API,
    CURLRC,
    DEFAULT_URL,
    README,
    Document,
    Example,
    comparable,
)
from tests.live import LiveService
from tests.processes import wait_until

SECONDS = 30
FILES_OF_PAGES = {"docs.get_docs_file"}
"""What a browser asks for by itself."""

pages = pytest.mark.parametrize("page", [README, API], ids=["README.md", "docs/api.md"])


@pages
def test_every_request_is_answered_as_it_is_shown(
    tmp_path: Path, start_service, page: Document
) -> None:
    (tmp_path / ".curlrc").write_text(CURLRC)
    service = start_service(processes=2)
    wait_until(lambda: metrics(service)["workers"]["alive"] == 2, SECONDS, "both workers")
    for example in page.examples():
        status, answer = example.run(service.url, tmp_path)
        assert (status, comparable(answer)) == (example.status, comparable(example.answer))
        wait_until(lambda: is_idle(service), SECONDS, "orders worked off")


@pages
def test_no_console_line_goes_untested(page: Document) -> None:
    assert len(page.examples()) == "".join(page.fenced("console")).count("$ ")


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db"))


def rules(app: Flask) -> list[Rule]:
    """Return the routes of the requests that somebody types."""
    return [
        rule
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__module__.startswith("app.api.")
        if rule.endpoint not in FILES_OF_PAGES
    ]


def rule_of(app: Flask, example: Example) -> Rule:
    """Return the route that an example asks for."""
    words = shlex.split(example.command, comments=True)
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    (url,) = (word for word in words if word.startswith(DEFAULT_URL))
    rule, _ = app.url_map.bind("127.0.0.1").match(urlsplit(url).path, method, return_rule=True)
    return rule


def test_the_api_page_shows_every_request_there_is(app: Flask) -> None:
    shown = {repr(rule_of(app, example)) for example in API.examples()}
    assert shown == {repr(rule) for rule in rules(app)}


def test_the_readme_names_every_request_there_is(app: Flask) -> None:
    named = [request for request, _ in README.table("request", "what it does")]
    there = {
        f"{method} {re.sub('int:', '', rule.rule)}"
        for rule in rules(app)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert sorted(re.findall(r"`(\w+ /\S*)`", " ".join(named))) == sorted(there)


def test_the_api_page_names_every_code_of_a_problem(app: Flask) -> None:
    codes = {
        code
        for methods in build_document(app)["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for code in answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    }
    named = "".join(names for _, names, _ in API.table("status", "`code`", "when"))
    assert codes <= set(re.findall(r"`(\w+)`", named))


def metrics(service: LiveService) -> dict[str, object]:
    found: dict[str, object] = requests.get(f"{service.url}/metrics", timeout=60).json()
    return found


def is_idle(service: LiveService) -> bool:
    found = metrics(service)
    return found["pending_count"] == found["processing_count"] == 0
