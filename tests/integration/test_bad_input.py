"""What Flask and `json` let through by default, and what is none of a create's business."""

import json

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from tests.integration.moves import all_rows

SOUND = {"user_id": 1, "item_ids": [1], "total_amount": 1, "order_id": "A"}
WHOLE = json.dumps(SOUND).encode()


def with_member(name: str, text: bytes) -> bytes:
    """Return the sound order with this member written so."""
    others = json.dumps({key: value for key, value in SOUND.items() if key != name}).encode()
    return b'{"%s": %s, %s' % (name.encode(), text, others[1:])


BAD_VALUES = {
    "NaN": with_member("total_amount", b"NaN"),
    "Infinity": with_member("total_amount", b"Infinity"),
    "minus Infinity": with_member("total_amount", b"-Infinity"),
    "a number beyond every float": with_member("total_amount", b"1e400"),
    "an amount with an exponent": with_member("total_amount", b"1e2"),
    "an amount of three decimals": with_member("total_amount", b"0.001"),
    "a user of 4,000 digits": with_member("user_id", b"9" * 4000),
    "an item of 4,000 digits": with_member("item_ids", b"[%s]" % (b"9" * 4000)),
    "an amount of 4,000 digits": with_member("total_amount", b"9" * 4000),
    "an amount of 5,000 digits": with_member("total_amount", b"9" * 5000),
    "true as an integer": with_member("user_id", b"true"),
    "true as an item": with_member("item_ids", b"[true]"),
    "true as an amount": with_member("total_amount", b"true"),
    "an escaped NUL": with_member("user_id", b'"\\u0000"'),
    "an escaped NUL in an item": with_member("item_ids", b'["a\\u0000"]'),
    "an escaped NUL in a list of text": with_member("item_ids", b'"a,\\u0000"'),
    "a bare NUL": with_member("user_id", b'"\0"'),
    "a lone surrogate": with_member("user_id", b'"\\ud800"'),
    "a lone surrogate in an item": with_member("item_ids", b'["\\udfff"]'),
    "an encoded surrogate": with_member("user_id", b'"\xed\xa0\x80"'),
    "a member twice": with_member("user_id", b'1, "user_id": 2'),
    "a member twice, once escaped": with_member("user_id", b'1, "user_i\\u0064": 2'),
    "a member nobody knows": with_member("user_id", b'1, "status": "COMPLETED"'),
    "10,000 nested brackets": with_member("item_ids", b"[" * 10_000 + b"]" * 10_000),
    "10,000 nested objects": with_member("user_id", b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
}
BAD_DOCUMENTS = {
    "UTF-16": WHOLE.decode().encode("utf-16"),
    "UTF-16 without a mark": WHOLE.decode().encode("utf-16-le"),
    "UTF-32": WHOLE.decode().encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf" + WHOLE,
    "Latin-1": with_member("user_id", b'"\xe4"'),
    "a list": b"[%s]" % WHOLE,
    "two objects": WHOLE + WHOLE,
    "nothing": b"",
    "a form": b"user_id=1&item_ids=1&total_amount=1",
}
CREATES = ("/create_order", "/orders", "/order/create-order")


def test_the_order_that_is_spoiled_here_is_sound(client: FlaskClient) -> None:
    answer = client.post("/orders", data=WHOLE, content_type="application/json")
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "body", [*BAD_VALUES.values(), *BAD_DOCUMENTS.values()], ids=[*BAD_VALUES, *BAD_DOCUMENTS]
)
def test_a_body_that_cannot_be_meant_is_refused(
    client: FlaskClient, engine: Engine, body: bytes
) -> None:
    for path in CREATES:
        answer = client.post(path, data=body, content_type="application/json")
        assert answer.status_code == 400, answer.text
        assert answer.mimetype == "application/problem+json"
        assert answer.json["code"] in {"malformed_body", "invalid_order"}
        assert len(answer.data) < 2000
    assert all_rows(engine) == []


@pytest.mark.parametrize("body", BAD_VALUES.values(), ids=BAD_VALUES)
def test_neither_is_it_taken_in_among_others(
    client: FlaskClient, engine: Engine, body: bytes
) -> None:
    for policy in (b"reject_all", b"skip_invalid"):
        bulk = b'{"on_error": "%s", "orders": [%s]}' % (policy, body)
        answer = client.post("/orders/bulk", data=bulk, content_type="application/json")
        if answer.status_code == 201:  # it could be read, so it has a result of its own
            assert policy == b"skip_invalid"
            assert [each["status"] for each in answer.json["results"]] == [400]
        else:
            assert answer.status_code == 400, answer.text
    assert all_rows(engine) == []
