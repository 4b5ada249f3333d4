"""Reading a body: what `json` lets through by default and we do not."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.strict_json import MalformedBodyError, pointer, read_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), values))
def test_an_object_is_read_as_it_was_written(document: dict[str, object]) -> None:
    assert read_object(json.dumps(document).encode()) == document


@pytest.mark.parametrize("ascii_only", [True, False])
def test_text_is_read_escaped_or_not(ascii_only: bool) -> None:
    document = {"naïve 漢字": '\U0001f600 \\ / " \t'}
    assert read_object(json.dumps(document, ensure_ascii=ascii_only).encode()) == document


@pytest.mark.parametrize("number", ["0.1", "59.99", "9999999999.99", "0.1000000000000000055511"])
def test_a_fraction_is_exact(number: str) -> None:
    (read,) = read_object(f'{{"n": {number}}}'.encode()).values()
    assert isinstance(read, Decimal)
    assert str(read) == number


REFUSED = {
    "NaN": b'{"n": NaN}',
    "Infinity": b'{"n": Infinity}',
    "minus Infinity": b'{"n": -Infinity}',
    "a number beyond every float": b'{"n": 1e400}',
    "an exponent": b'{"n": 1e2}',
    "a capital exponent": b'{"n": 1E2}',
    "a negative exponent": b'{"n": 123400e-2}',
    "a huge exponent": b'{"n": 1e' + b"9" * 1000 + b"}",
    "an integer of 5,000 digits": b'{"n": ' + b"9" * 5000 + b"}",
    "an integer of 1,000,000 digits": b'{"n": ' + b"9" * 1_000_000 + b"}",
    "10,000 nested brackets": b'{"n": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 open brackets": b"[" * 10_000,
    "10,000 nested objects": b'{"n": ' * 10_000 + b"1" + b"}" * 10_000,
    "UTF-16": '{"n": 1}'.encode("utf-16"),
    "UTF-16 without a mark": '{"n": 1}'.encode("utf-16-le"),
    "UTF-32": '{"n": 1}'.encode("utf-32"),
    "Latin-1": '{"n": "ä"}'.encode("latin-1"),
    "an overlong NUL": b'{"n": "\xc0\x80"}',
    "an encoded surrogate": b'{"n": "\xed\xa0\x80"}',
    "a byte order mark": b"\xef\xbb\xbf" + b'{"n": 1}',
    "a bare NUL in a string": b'{"n": "\x00"}',
    "a bare line end in a string": b'{"n": "\n"}',
    "a NUL between the tokens": b'{"n":\x00 1}',
    "nothing": b"",
    "white space": b" \n",
    "two objects": b"{}{}",
    "a trailing comma": b'{"n": 1,}',
    "a comment": b'{"n": 1 /* one */}',
    "single quotes": b"{'n': 1}",
    "a bare name": b"{n: 1}",
    "a leading zero": b'{"n": 01}',
    "a leading plus": b'{"n": +1}',
    "a hexadecimal number": b'{"n": 0x10}',
    "an open string": b'{"n": "',
    "a form": b"user_id=1&item_ids=2",
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_is_not_strictly_json_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError) as refusal:
        read_object(body)
    assert 0 < len(refusal.value.detail) < 120, "a sentence, not an echo"


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"text"', b"true", b'[{"n": 1}]'])
def test_another_value_than_an_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="object"):
        read_object(body)


@pytest.mark.parametrize(
    ("body", "at"),
    [
        (b'{"n": 1, "n": 1}', "/n"),
        (b'{"n": 1, "m": 2, "n": 3}', "/n"),
        (b'{"n": 1, "\\u006e": 2}', "/n"),
        (b'{"a/b~c": 1, "a/b~c": 2}', "/a~1b~0c"),
        (b'{"": 1, "": 2}', "/"),
    ],
)
def test_a_member_that_is_there_twice_is_named(body: bytes, at: str) -> None:
    with pytest.raises(MalformedBodyError, match="once") as refusal:
        read_object(body)
    assert refusal.value.pointer == at


@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        (b'{"m": 1, "m": 2}', "/n/1/k/m should be there only once"),
        (b'{"m": {"m": 1, "m": 2}, "m": 2}', "/n/1/k/m should be there only once"),
        (b"NaN", "/n/1/k should not be NaN, which JSON has not got"),
        (b"-Infinity", "/n/1/k should not be -Infinity, which JSON has not got"),
        (b"1e2", "/n/1/k should have no exponent, unlike 1e2"),
        (b"9" * 5000, "/n/1/k should be a shorter number"),
        (b"[1, NaN, 1e2]", "/n/1/k/1 should not be NaN, which JSON has not got"),
    ],
)
def test_the_first_flaw_is_named_at_any_depth(flaw: bytes, said: str) -> None:
    with pytest.raises(MalformedBodyError) as refusal:
        read_object(b'{"a": [[]], "n": [2, {"k": ' + flaw + b'}], "z": NaN}')
    assert f"{refusal.value.pointer} {refusal.value.detail}" == said


@pytest.mark.parametrize("body", [b'{"n": NaN, "m"}', b"[1e2", b'{"n": 1, "n": 2}}'])
def test_what_is_no_json_behind_a_flaw_is_no_json(body: bytes) -> None:
    with pytest.raises(MalformedBodyError, match="is not JSON") as refusal:
        read_object(body)
    assert refusal.value.pointer == ""


def test_a_100_000_fold_member_is_refused_in_no_time() -> None:
    body = b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b',"99999":1}'
    with pytest.raises(MalformedBodyError) as refusal:
        read_object(body)
    assert refusal.value.pointer == "/99999"


def test_a_pointer_escapes_what_would_be_a_step() -> None:
    assert pointer("a/b", 0, "~1") == "/a~1b/0/~01"
    assert pointer() == ""


def test_a_pointer_is_text_whatever_the_name() -> None:
    assert pointer("a\ud800b", "\udfff" * 99, "\U0001f600") == f"/a?b/{'?' * 64}/\U0001f600"


def test_a_pointer_is_no_echo_of_an_endless_name() -> None:
    assert pointer("x" * 1_000_000) == "/" + "x" * 64
