"""API keys: how they are configured, made and recognised."""

import hashlib

import pytest

from app.api_keys import ApiKey, Role, find_key, make_key, parse_api_keys


def entry(name: str = "ada", role: str = "read", key: str = "k3y") -> str:
    return f"{name}:{role}:{hashlib.sha256(key.encode()).hexdigest()}"


def keys(*entries: str) -> tuple[ApiKey, ...]:
    parsed = parse_api_keys(",".join(entries))
    assert isinstance(parsed, tuple)
    return parsed


def test_each_role_includes_the_one_before() -> None:
    assert Role.READ < Role.WRITE < Role.ADMIN


def test_a_key_is_recognised_by_its_hash() -> None:
    ada, bob = keys(entry("ada", "read", "a"), entry("bob", "admin", "b"))
    assert (ada.name, ada.role) == ("ada", Role.READ)
    assert find_key([ada, bob], "a") is ada
    assert find_key([ada, bob], "b") is bob
    for presented in ("", "A", "ab", ada.digest.hex(), entry("ada", "read", "a"), "ä\udcff"):
        assert find_key([ada, bob], presented) is None


def test_two_keys_of_one_name_are_good_at_the_same_time() -> None:
    old, new = keys(entry("ada", key="old"), entry("ada", key="new"))
    assert find_key([old, new], "old") is old
    assert find_key([old, new], "new") is new


def test_spaces_and_capital_digits_do_no_harm() -> None:
    digest = hashlib.sha256(b"b").hexdigest().upper()
    ada, bob = keys(f" {entry()} ", f" bob:read:{digest}")
    assert find_key([ada, bob], "b") is bob


def test_the_hash_of_nothing_lets_nobody_in() -> None:
    assert find_key(keys(entry(key="")), "") is None


def test_no_key_at_all_is_an_empty_setting() -> None:
    assert parse_api_keys("") == ()


def test_a_made_key_is_the_key_of_its_entry() -> None:
    key, made_entry = make_key("ada", "admin")
    (parsed,) = keys(made_entry)
    assert find_key([parsed], key) == ApiKey("ada", Role.ADMIN, parsed.digest)
    assert make_key("ada", "admin")[0] != key


@pytest.mark.parametrize(("name", "role"), [("a:b", "read"), ("", "read"), ("ada", "boss")])
def test_no_key_is_made_for_what_cannot_be_configured(name: str, role: str) -> None:
    with pytest.raises(ValueError, match="should"):
        make_key(name, role)


def test_neither_text_of_a_key_shows_its_hash() -> None:
    (ada,) = keys(entry())
    for shown in (str(ada), repr(ada)):
        assert ada.digest.hex() not in shown
        assert repr(ada.digest) not in shown
    assert str(ada) == "ada:read:***"
