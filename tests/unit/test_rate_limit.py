"""The rate limit: who is counted together, what an answer says, what happens beyond it."""

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.api import rate_storage
from app.api.rate_limit import RateLimit
from app.api.rate_storage import UwsgiStorage
from app.api_keys import make_key
from app.settings import Settings

RATE_LIMIT = re.compile(r'"default";r=(\d+);t=(\d+)')


def limited_app(tmp_path: Path, **settings: object) -> Flask:
    """Return an application that takes three requests an hour; its views do nothing."""
    app = create_app(
        Settings(database_url=f"sqlite:///{tmp_path}/orders.db", rate_limit="3/hour", **settings)
    )
    for endpoint in app.view_functions:
        app.view_functions[endpoint] = lambda **_: "reached"
    return app


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A client of an application without keys."""
    return limited_app(tmp_path).test_client()


def statuses(client: FlaskClient, requests: int, **options: object) -> list[int]:
    return [client.get("/metrics", **options).status_code for _ in range(requests)]


def test_beyond_the_limit_is_a_problem_that_says_when_to_come_back(client: FlaskClient) -> None:
    assert statuses(client, 4) == [200, 200, 200, 429]
    answer = client.get("/metrics")
    assert (answer.mimetype, answer.json["code"]) == (
        "application/problem+json",
        "too_many_requests",
    )
    assert answer.json["detail"] == "the limit is 3 per 1 hour"
    assert 3590 <= int(answer.headers["Retry-After"]) <= 3600


def test_every_answer_says_what_is_left(client: FlaskClient) -> None:
    left = []
    for path in ("/metrics", "/nowhere", "/metrics", "/metrics"):
        answer = client.get(path)
        assert answer.headers["RateLimit-Policy"] == '"default";q=3;w=3600'
        remaining, seconds = RATE_LIMIT.fullmatch(answer.headers["RateLimit"]).groups()
        assert 3590 <= int(seconds) <= 3600
        left.append(int(remaining))
    assert left == [2, 1, 0, 0]


def test_each_address_has_a_limit_of_its_own(client: FlaskClient) -> None:
    for address in ("10.0.0.1", "10.0.0.2", "::1"):
        environ = {"REMOTE_ADDR": address}
        assert statuses(client, 4, environ_base=environ) == [200, 200, 200, 429]


def test_what_a_caller_says_of_its_address_is_not_believed(client: FlaskClient) -> None:
    assert statuses(client, 3) == [200] * 3
    for header in ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "Client-Ip"):
        assert statuses(client, 1, headers={header: "10.9.9.9"}) == [429]


def test_each_key_has_a_limit_of_its_own_wherever_it_comes_from(tmp_path: Path) -> None:
    (ada, ada_entry), (new, new_entry) = make_key("ada", "read"), make_key("ada", "read")
    bob, bob_entry = make_key("bob", "read")
    client = limited_app(tmp_path, api_keys=f"{ada_entry},{bob_entry},{new_entry}").test_client()
    for number, key in enumerate((ada, new, ada)):  # both keys of the name count as one
        options = {"environ_base": {"REMOTE_ADDR": f"10.0.0.{number}"}}
        assert statuses(client, 1, headers={"X-API-Key": key}, **options) == [200]
    assert statuses(client, 1, headers={"X-API-Key": ada}) == [429]
    assert statuses(client, 1, headers={"X-API-Key": bob}) == [200]


def test_who_guesses_keys_is_slowed_down(tmp_path: Path) -> None:
    client = limited_app(tmp_path, api_keys=make_key("ada", "read")[1]).test_client()
    guesses = [client.get("/metrics", headers={"X-API-Key": f"guess-{n}"}) for n in range(4)]
    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429]


def test_health_is_not_counted(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz") * 3:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "RateLimit" not in answer.headers
    assert statuses(client, 3) == [200, 200, 200]


def test_without_a_limit_nothing_is_counted(tmp_path: Path) -> None:
    unlimited = create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db"))
    for app, hooks in ((unlimited, 0), (limited_app(tmp_path), 2)):
        found = [*app.before_request_funcs[None], *app.after_request_funcs[None]]
        limits = [hook for hook in found if isinstance(getattr(hook, "__self__", None), RateLimit)]
        assert len(limits) == hooks


class OneProcess:
    """uWSGI's cache, in one process."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        self.locked = 0

    def lock(self) -> None:
        self.locked += 1

    def unlock(self) -> None:
        self.locked -= 1

    def cache_get(self, key: str, cache: str) -> bytes | None:
        return self.entries.get(key)

    def cache_update(self, key: str, value: bytes, expires: int, cache: str) -> None:
        assert self.locked == 1
        self.entries[key] = value


class Clock:
    """A clock that stands still until it is set."""

    now = 1_000_000.0

    def time(self) -> float:
        return self.now


def test_a_window_begins_with_its_first_request_and_ends_on_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, uwsgi = Clock(), OneProcess()
    monkeypatch.setattr(rate_storage, "time", clock)
    storage = UwsgiStorage(uwsgi)
    assert (storage.get("k"), storage.get_expiry("k")) == (0, clock.now)
    assert [storage.incr("k", 60), storage.incr("k", 60)] == [1, 2]
    clock.now += 59.9
    assert (storage.incr("k", 60), storage.get("k")) == (3, 3)
    assert storage.get_expiry("k") == pytest.approx(clock.now + 0.1)
    clock.now += 0.1
    assert storage.get("k") == 0
    assert storage.incr("k", 60) == 1
    assert uwsgi.locked == 0


def test_a_clock_that_is_set_back_locks_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(rate_storage, "time", clock)
    storage = UwsgiStorage(OneProcess())
    storage.incr("k", 60, amount=1000)
    clock.now -= 3600
    assert storage.incr("k", 60) == 1
