"""Request bodies as they come out of broken clients: sound ones, mutated, from a seed."""

import json
import random
from collections.abc import Callable, Iterator

BYTES = [bytes([code]) for code in range(256)]
FRAGMENTS = [
    *[b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\\u0000", b"\\ud800", b"\0"],
    *[b"NaN", b"-Infinity", b"1e400", b"-0", b"0.001", b"9" * 30, b"1.0", b"true", b"null"],
    *[b"{}", b"[]", b"[[", b"}}", b'"', b",", b":", b"\\", b"//", b"'", b" ", b"\n", b"9" * 4500],
]
VALUES = [
    *[None, True, False, 0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**400],
    *[1.5, 59.99, 0.001, 1e10, -0.0, "", " ", "1", "01", "59.99", "1e5", "NaN", "a,b", ",", "\0"],
    *["x" * 64, "x" * 65, "\ud800", "\U0001f600" * 64, "metrics", "ä", "A.b_c:d-e", "\u2028"],
    *["' OR '1'='1", "<script>", "%00", "../..", [], {}, [1], [[1]], [None], ["x"] * 1001],
    *[[1, "1", 2**63 - 1], [True], ["\0"], {"a": 1}, {"$gt": ""}, [1.0], "1," * 2000],
]
NAMES = ["user_id", "item_ids", "total_amount", "order_id"]
STRAY_NAMES = ["", "id", "status", "USER_ID", "user_id ", "\0", "\ud800", "__proto__", "x" * 300]


def bodies(seed: str, count: int) -> Iterator[bytes]:
    """Yield so many bodies, the same for the same seed; about a quarter of them are sound."""
    dice = random.Random(seed)
    for _ in range(count):
        document = sound(dice)
        for _ in range(dice.choice([0, 1, 1, 2])):
            dice.choice(ON_DOCUMENTS)(dice, document)
        body = written(dice, document)
        for _ in range(dice.choice([0, 0, 1, 1, 3])):
            body = dice.choice(ON_BYTES)(dice, body)
        yield body


def sound(dice: random.Random) -> dict[str, object]:
    """Return an order as a client in good health would send it."""
    cents = dice.randrange(10 ** dice.randrange(1, 13))
    document: dict[str, object] = {
        "user_id": dice.choice([dice.randrange(1, 10**6), f"user-{dice.random()}"]),
        "item_ids": [dice.choice([7, "7", "x", "漢"]) for _ in range(dice.randrange(1, 6))],
        "total_amount": dice.choice([cents, cents / 100, f"{cents // 100}.{cents % 100:02}"]),
    }
    if dice.random() < 0.3:
        document["order_id"] = f"{dice.randrange(10**9)}"
    return document


def written(dice: random.Random, document: dict[str, object]) -> bytes:
    """Return the document as JSON in one of the ways to write it."""
    text = json.dumps(
        document, ensure_ascii=dice.random() < 0.7, indent=dice.choice([None, None, 1])
    )
    return text.encode("utf-8", "surrogatepass")


def change_a_value(dice: random.Random, document: dict[str, object]) -> None:
    document[dice.choice(NAMES)] = dice.choice(VALUES)


def drop_a_member(dice: random.Random, document: dict[str, object]) -> None:
    document.pop(dice.choice(NAMES), None)


def add_a_member(dice: random.Random, document: dict[str, object]) -> None:
    document[dice.choice(STRAY_NAMES)] = dice.choice(VALUES)


def change_an_item(dice: random.Random, document: dict[str, object]) -> None:
    items = document.get("item_ids")
    if isinstance(items, list) and items:
        items = [*items]
        items[dice.randrange(len(items))] = dice.choice(VALUES)
        document["item_ids"] = items


def flip_a_bit(dice: random.Random, body: bytes) -> bytes:
    at = dice.randrange(len(body) or 1)
    return (
        body[:at]
        + bytes(byte ^ (1 << dice.randrange(8)) for byte in body[at : at + 1])
        + body[at + 1 :]
    )


def insert_something(dice: random.Random, body: bytes) -> bytes:
    at = dice.randrange(len(body) + 1)
    return body[:at] + dice.choice(dice.choice([BYTES, FRAGMENTS])) + body[at:]


def cut_a_slice(dice: random.Random, body: bytes) -> bytes:
    at = dice.randrange(len(body) + 1)
    return body[:at] + body[at + dice.randrange(1, 10) :]


def repeat_a_slice(dice: random.Random, body: bytes) -> bytes:
    at, end = sorted(dice.randrange(len(body) + 1) for _ in range(2))
    return body[:end] + body[at:]


def truncate(dice: random.Random, body: bytes) -> bytes:
    return body[: dice.randrange(len(body) + 1)]


ON_DOCUMENTS: list[Callable[[random.Random, dict[str, object]], None]] = [
    *[change_a_value, change_a_value, change_an_item, drop_a_member, add_a_member]
]
ON_BYTES: list[Callable[[random.Random, bytes], bytes]] = [
    *[flip_a_bit, insert_something, cut_a_slice, repeat_a_slice, truncate]
]
