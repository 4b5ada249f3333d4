"""Which format of the metrics a client gets, by the types it accepts and how much it likes them."""

import pytest
from flask import Flask

from app.api.metrics import JSON, _preferred
from app.api.prometheus import OPENMETRICS, TEXT, TRANSITION_COUNTERS
from app.orders.lifecycle import TRANSITIONS

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;"
    "q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("application/json, text/plain, */*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("text/plain", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("text/plain; version=0.0.4; charset=utf-8", TEXT),
        ("TEXT/PLAIN;VERSION=0.0.4", TEXT),
        ("text/*", TEXT),
        ("text/plain;q=0.9, application/json;q=0.1", TEXT),
        ("text/plain;q=0.1, application/json;q=0.9", JSON),
        ("text/plain;version=0.0.4;q=0, */*", JSON),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", OPENMETRICS),
        ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.4", TEXT),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        ("image/png", JSON),
        ("nonsense;;q=x,,", JSON),
    ],
)
def test_the_format_is_the_one_the_client_likes_best(accept: str, expected: str) -> None:
    with Flask(__name__).test_request_context(headers={"Accept": accept}):
        assert _preferred(JSON, TEXT, OPENMETRICS) == expected


def test_every_transition_has_a_counter() -> None:
    assert tuple(TRANSITION_COUNTERS) == TRANSITIONS
    names = [name for name, _ in TRANSITION_COUNTERS.values()]
    assert len(set(names)) == len(names)
