"""Bodies of all kinds: never a 5xx, and what is accepted reads back as it was sent."""

import json
import os
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from app.orders.identifiers import shown
from tests.conftest import DATABASES
from tests.integration.moves import all_rows, differences
from tests.integration.mutations import bodies

BODIES = int(os.environ.get("MUTATED_BODIES", "6000"))
"""Of which each database has its share; the long run has 100,000."""
ROUND = 1000


@pytest.mark.parametrize("number", range(-(-BODIES // ROUND // len(DATABASES))))
def test_a_mutated_body_is_refused_or_taken_as_it_was_sent(
    client: FlaskClient, engine: Engine, number: int
) -> None:
    answers: Counter[int] = Counter()
    taken: list[tuple[dict[str, Any], dict[str, Any]]] = []
    seed = f"{engine.dialect.name} {number}"
    for body in bodies(seed, ROUND):
        answer = client.post("/orders", data=body, content_type="application/json")
        answers[answer.status_code] += 1
        assert answer.status_code in {201, 400, 409}, (body, answer.text)
        if answer.status_code == 201:
            taken.append((json.loads(body, parse_float=Decimal), answer.json))
    assert answers[201] > 50
    assert answers[400] > 300
    assert len(all_rows(engine)) == len(taken)
    assert differences(engine) == []
    for sent, answered in taken:
        assert_same(sent, client.get(f"/orders/{answered['order_id']}"))


def assert_same(sent: dict[str, Any], answer: Any) -> None:
    assert answer.status_code == 200, sent
    order = json.loads(answer.text, parse_float=Decimal)
    items = sent["item_ids"]
    assert order["user_id"] == shown(str(sent["user_id"]))
    assert order["item_ids"] == (
        [item.strip(" ") for item in items.split(",")] if isinstance(items, str) else items
    )
    assert Decimal(order["total_amount"]) == Decimal(sent["total_amount"])
    assert sent.get("order_id") in {None, order["order_id"]}
