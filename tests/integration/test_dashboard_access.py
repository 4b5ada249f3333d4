"""The dashboard where API keys are asked for."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.api_keys import Role, make_key
from app.dashboard import access
from app.dashboard.access import COOKIE
from app.settings import Settings
from tests.builders import draft
from tests.integration.moves import place, statuses

OWN_PAGE = {"Origin": "http://localhost"}
KEYS = {role: make_key(f"the-{role}-key", str(role)) for role in Role}
OPEN = {"dashboard.root", "dashboard.login", "dashboard.sign_in", "dashboard.static"}
ALL = {"status": "PENDING", "created_to": "2100-01-01T00:00:00"}


@pytest.fixture
def client(settings: Settings, client_of: Callable[[Settings], FlaskClient]) -> FlaskClient:
    """A visitor of a service with a key of each role."""
    return client_of(with_keys(settings, *(entry for _, entry in KEYS.values())))


def with_keys(settings: Settings, *entries: str) -> Settings:
    return Settings(database_url=settings.database_url, api_keys=",".join(entries))


def sign_in(client: FlaskClient, role: Role, **headers: str) -> str:
    """Sign in with the key of this role; returns the header that sets the cookie."""
    answer = client.post(
        "/dashboard/login", data={"key": KEYS[role][0]}, headers=OWN_PAGE | headers
    )
    assert (answer.status_code, answer.location) == (303, "/dashboard")
    return answer.headers["Set-Cookie"]


def test_without_a_session_there_is_nothing_to_see_but_the_question(client: FlaskClient) -> None:
    answer = client.get("/dashboard")
    assert (answer.status_code, answer.location) == (303, "/dashboard/login")
    assert client.get("/dashboard/").location == "/dashboard/login"
    assert client.get("/dashboard/login").status_code == 200
    assert client.get("/").location == "/dashboard"


def test_every_other_view_asks_for_a_session(client: FlaskClient) -> None:
    asked = {}
    for rule in client.application.url_map.iter_rules():
        path = re.sub(r"<any\((\w+),[^>]*>|<\w+>", lambda found: found[1] or "A-1", rule.rule)
        if rule.endpoint.startswith("dashboard.") and rule.endpoint not in OPEN:
            for method in rule.methods or ():
                answer = client.open(path, method=method, data=ALL, headers=OWN_PAGE)
                asked[method, path] = answer.status_code
    assert len(asked) > 10
    assert set(asked.values()) == {303, 401}


@pytest.mark.parametrize("key", ["", "wrong", "\0", "ä" * 500])
def test_what_is_no_key_begins_no_session(client: FlaskClient, key: str) -> None:
    answer = client.post("/dashboard/login", data={"key": key}, headers=OWN_PAGE)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://[", "http://[::1"])
def test_another_page_cannot_sign_a_visitor_in(client: FlaskClient, origin: str) -> None:
    data = {"key": KEYS[Role.READ][0]}
    answer = client.post("/dashboard/login", data=data, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_the_cookie_is_for_the_dashboard_alone_and_no_script_reads_it(client: FlaskClient) -> None:
    cookie = sign_in(client, Role.READ)
    for part in ("HttpOnly", "SameSite=Strict", "Path=/dashboard", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie
    assert KEYS[Role.READ][0] not in cookie
    assert "Secure" in sign_in(client, Role.READ, Origin="https://localhost")


@pytest.mark.parametrize("role", Role)
def test_a_session_may_do_what_its_key_may(client: FlaskClient, engine: Engine, role: Role) -> None:
    place(engine, draft("A-1"), draft("A-2"))
    sign_in(client, role)
    assert client.get("/dashboard").status_code == 200
    one = client.post("/dashboard/orders/A-1/cancel", headers=OWN_PAGE)
    assert one.status_code == (303 if role >= Role.WRITE else 403)
    every = client.post("/dashboard/all/cancel", data=ALL, headers=OWN_PAGE)
    assert every.status_code == (200 if role >= Role.ADMIN else 403)
    left_alone = {Role.READ: 2, Role.WRITE: 1, Role.ADMIN: 0}[role]
    assert statuses(engine).count("PENDING") == left_alone


@pytest.mark.parametrize("role", Role)
def test_the_page_offers_what_the_key_allows(
    client: FlaskClient, engine: Engine, role: Role
) -> None:
    place(engine, draft("A-1"))
    sign_in(client, role)
    one = "Cancel this order" in client.get("/dashboard/orders/A-1").text
    every = "Cancel all" in client.get("/dashboard?status=PENDING").text
    assert (one, every) == (role >= Role.WRITE, role >= Role.ADMIN)


def test_a_session_ends_when_it_is_ended(client: FlaskClient) -> None:
    sign_in(client, Role.READ)
    client.post("/dashboard/logout", headers=OWN_PAGE)
    assert client.get("/dashboard").location == "/dashboard/login"


def test_a_session_ends_after_its_time_whatever_the_browser_keeps(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, Role.READ)
    monkeypatch.setattr(access, "SESSION_SECONDS", -1)
    assert client.get("/dashboard").location == "/dashboard/login"


def test_every_worker_knows_the_session_which_ends_with_its_key_and_no_other(
    settings: Settings, client: FlaskClient, client_of: Callable[[Settings], FlaskClient]
) -> None:
    sign_in(client, Role.ADMIN)
    session = client.get_cookie(COOKIE, path="/dashboard")
    assert session is not None
    entries = [entry for _, entry in KEYS.values()]
    rotated = [*entries[:-1], make_key("another-key", "admin")[1]]
    for configured, status in ((entries, 200), (rotated, 303), (entries[:0:-1], 200)):
        other = client_of(with_keys(settings, *configured))
        other.set_cookie(COOKIE, session.value, path="/dashboard")
        assert other.get("/dashboard").status_code == status


def test_who_knows_the_digests_alone_can_make_no_session(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the settings can run this very code, and have it take any key for one."""
    with monkeypatch.context() as at_the_forgers:
        at_the_forgers.setattr(access, "find_key", lambda keys, _: keys[-1])
        client.post("/dashboard/login", data={"key": "none"}, headers=OWN_PAGE)
        assert client.get("/dashboard").status_code == 200
    assert client.get("/dashboard").status_code == 303


def test_a_session_that_was_tampered_with_is_none(client: FlaskClient) -> None:
    sign_in(client, Role.READ)
    session = client.get_cookie(COOKIE, path="/dashboard")
    assert session is not None
    (key, *_) = client.application.config["SETTINGS"].api_keys
    made_of_the_digest = Fernet(urlsafe_b64encode(key.digest)).encrypt(b"\xff").decode()
    other = "A" if session.value[50] != "A" else "B"
    changed = f"{session.value[:50]}{other}{session.value[51:]}"
    for value in ("", "x", "ä", session.value[:-1], changed, made_of_the_digest):
        client.set_cookie(COOKIE, value, path="/dashboard")
        assert client.get("/dashboard").status_code == 303
