"""The settings: what is taken, what is refused and in which words, and what is never shown."""

import hashlib
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.errors import ConfigurationError
from app.settings import PROJECT, Settings

SECRET = "s3cret-p4ss"
DIGEST = hashlib.sha256(SECRET.encode()).hexdigest()
QUOTED_NEVER = {"DATABASE_URL", "API_KEYS"}


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return Settings.load()


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = Settings.load()
    assert settings.database_url == f"sqlite:///{PROJECT}/instance/orders.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.processes, settings.threads) == (2, 32)
    assert settings.processing_seconds == (0.5, 1.5)
    assert (settings.order_handler, settings.processor_threads) == ("", 1)
    assert (settings.lease_seconds, settings.max_attempts) == (15, 5)
    assert settings.retry_base_seconds == 1
    assert settings.max_backlog == 1_000_000
    assert settings.max_body_bytes == 1_048_576
    assert (settings.api_keys, settings.allow_anonymous, settings.rate_limit) == ((), False, "")
    assert (settings.log_format, settings.log_level) == ("console", "INFO")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings.load().port = 9000


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("mysql://u:p@h/orders", "mysql+pymysql"),
        ("mysql+pymysql://u:p@h/orders", "mysql+pymysql"),
        ("mariadb://u:p@h/orders", "mysql+pymysql"),
        ("mariadb+pymysql://u:p@h/orders", "mysql+pymysql"),
        ("postgres://u:p@h/orders", "postgresql+psycopg"),
        ("postgresql://u:p@h/orders", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/orders", "postgresql+psycopg"),
    ],
)
def test_a_bare_url_picks_our_driver_and_keeps_the_rest(
    given: str, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = load(monkeypatch, DATABASE_URL=given).url
    assert url.drivername == driver
    assert (url.username, url.password, url.host, url.database) == ("u", "p", "h", "orders")


def test_a_password_with_signs_of_its_own_survives(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, DATABASE_URL="mysql://u:p%40%2F%3A%25@h:3307/orders?ssl_ca=x")
    assert (settings.url.password, settings.url.port) == ("p@/:%", 3307)
    assert settings.url.query == {"ssl_ca": "x"}


def test_a_relative_sqlite_path_is_made_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(monkeypatch, DATABASE_URL="sqlite:///data/orders.db")
    assert settings.url.database == str(tmp_path / "data" / "orders.db")


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("0", (0, 0)), ("2", (2, 2)), ("0.5-1.5", (0.5, 1.5)), (" 1 - 2.25 ", (1, 2.25))],
)
def test_simulated_work_is_a_number_or_a_range(
    given: str, seconds: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(monkeypatch, PROCESSING_SECONDS=given).processing_seconds == seconds


NONSENSE = {
    "DATABASE_URL": [
        *["", "orders.db", "oracle://u:p@h/orders", "mysql+mysqldb://h/orders", "sqlite+other://"],
        *["sqlite://", "sqlite:///:memory:", "mysql://h", "postgresql://u:p@h/", "mysql://h:x/o"],
    ],
    "HOST": ["", "::1", "[::1]"],
    "PORT": ["", "0", "65536", "-1", "http", "80.5", "8_000", " 8000"],
    "PROCESSES": ["0", "257", "two", "2.0", "02", " 2"],
    "THREADS": ["0", "1025", "many", "1_6", "\u0661"],
    "PROCESSING_SECONDS": [
        "",
        "fast",
        "-1",
        "1-",
        "-",
        "2-1",
        "1-2-3",
        "nan",
        "inf",
        "1e9",
        "86401",
    ],
    "ORDER_HANDLER": ["handle", "a:b:c", "a b:c", ":handle", "module:"],
    "PROCESSOR_THREADS": ["0", "257"],
    "LEASE_SECONDS": ["0", "4.9", "3601", "nan", "inf", "-15"],
    "MAX_ATTEMPTS": ["0", "1001", "some"],
    "RETRY_BASE_SECONDS": ["0", "-1", "901", "nan"],
    "MAX_BACKLOG": ["0", "-5"],
    "MAX_BODY_BYTES": ["0", "1MB"],
    "API_KEYS": [
        *[DIGEST, ",", f"a:read:{DIGEST},", f"a:read:{DIGEST}:", f":read:{DIGEST}"],
        *[f"a:boss:{DIGEST}", f"a:READ:{DIGEST}", "a:read:", f"a:read:{SECRET}"],
        *[f"a:read:{DIGEST}0", f"a b:read:{DIGEST}", f"a:read:{DIGEST},b:write:{DIGEST}"],
    ],
    "ALLOW_ANONYMOUS": ["", "maybe", "2"],
    "RATE_LIMIT": ["fast", "100", "0/second", "-1/second", "1/second;9/minute", "5/fortnight"],
    "LOG_FORMAT": ["", "xml", "JSON"],
    "LOG_LEVEL": ["", "LOUD", "info"],
}


def test_nonsense_is_tried_for_every_setting() -> None:
    assert {name.lower() for name in NONSENSE} == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in NONSENSE.items() for value in values]
)
def test_nonsense_is_refused_with_the_name_of_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: .*\bshould ") as refusal:
        load(monkeypatch, **{name: value})
    assert "\n" not in refusal.value.message
    if name not in QUOTED_NEVER:
        assert repr(value) in refusal.value.message


def test_all_that_is_wrong_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"PORT: .*; THREADS: "):
        load(monkeypatch, PORT="x", THREADS="0")


@pytest.mark.parametrize(
    "url",
    [
        f"oracle://u:{SECRET}@h/orders",
        f"mysql://u:{SECRET}@h",
        f"mysql://u:{SECRET}@h:port/orders",
        f"mysql://u:{SECRET}/orders",
        f"mysql://u:p@{SECRET}@h/orders",
        f"u:{SECRET}@h/orders",
        f"postgresql://u@h/orders?password={SECRET}",
        f"mysql://u@h/orders?passwd={SECRET}",
    ],
)
def test_a_refused_url_never_shows_its_password(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        load(monkeypatch, DATABASE_URL=url)
    assert SECRET not in refusal.value.message


def test_a_refused_list_of_keys_shows_neither_keys_nor_hashes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in (SECRET, f"{SECRET}:admin:{DIGEST}x", f"ada:admin:{SECRET}", f"{DIGEST}:ada"):
        with pytest.raises(ConfigurationError, match="API_KEYS: entry 1 ") as refusal:
            load(monkeypatch, API_KEYS=value)
        assert SECRET not in refusal.value.message
        assert DIGEST not in refusal.value.message


def test_keys_are_shown_without_their_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, API_KEYS=f"ada:read:{DIGEST}")
    assert settings.masked()["API_KEYS"] == "ada:read:***"


def test_the_settings_are_shown_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, DATABASE_URL=f"postgresql://u:{SECRET}@h/orders")
    assert SECRET in settings.database_url
    assert SECRET not in str(settings.masked())


def test_what_is_shown_can_be_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load(monkeypatch, PROCESSING_SECONDS="0.25-3", LEASE_SECONDS="7.5", PORT="81")
    shown = {name: str(value) for name, value in before.masked().items()}
    assert set(shown) == {name.upper() for name in Settings.model_fields}
    assert load(monkeypatch, **shown) == before
