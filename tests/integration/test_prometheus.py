"""Prometheus' text: what its own parsers read out of it, held against the JSON."""

import math
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from sqlalchemy import Engine

from app.clock import utc_now
from app.orders import counters, workers
from app.orders.lifecycle import FAIL, RETRY_LATER, OrderStatus
from app.orders.manual import ManualMoves
from app.orders.pruning import prune
from app.orders.service import OrderService
from tests.builders import draft, ending, identity
from tests.integration.moves import (
    OTHER,
    OWNER,
    adopt,
    claim,
    in_transaction,
    place,
    place_and_claim,
    settle,
)

TEXT = "text/plain;version=0.0.4"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
PARSERS = {TEXT: read_text, OPENMETRICS: read_openmetrics}
Samples = dict[tuple[str, str], float]


def families(client: FlaskClient, accept: str = TEXT) -> dict[str, Metric]:
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200
    return {family.name: family for family in PARSERS[accept](answer.text)}


def samples(found: Iterable[Metric]) -> Samples:
    """Return each value by its name and its label's value, empty without a label."""
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in found
        for sample in family.samples
    }


def read(client: FlaskClient, accept: str = TEXT) -> Samples:
    return samples(families(client, accept).values())


@pytest.fixture
def work_of_every_kind(engine: Engine) -> None:
    """Each transition at least once, by two workers, and one ending that comes too late."""
    created = utc_now() - timedelta(seconds=100)
    manual = ManualMoves(engine, worker_id=lambda: OTHER)
    claims = place_and_claim(engine, *(draft(created_at=created) for _ in range(6)))
    began = created + timedelta(seconds=2)
    for held, seconds in zip(claims, (0.000_05, 1, 7, 200_000), strict=False):
        ended = began + timedelta(seconds=seconds)
        settle(engine, [ending(held, started_at=began, ended_at=ended)])
    settle(engine, [ending(claims[4], FAIL), ending(claims[5], RETRY_LATER)])
    manual.retry(claims[4].hint.order_id)
    manual.cancel(claims[5].hint.order_id)
    manual.retry(claims[5].hint.order_id)
    (late,) = place_and_claim(engine, owner=OTHER)
    adopt(engine)
    service = OrderService(engine, worker_id=lambda: OTHER, enqueue=lambda _hints: None)
    service.turn([ending(late)], [], sweep_limit=0, worker_id=OTHER)
    manual.cancel(late.hint.order_id)


@pytest.mark.parametrize("accept", PARSERS)
@pytest.mark.usefixtures("work_of_every_kind")
def test_the_totals_are_those_of_the_json(client: FlaskClient, accept: str) -> None:
    found, document = read(client, accept), client.get("/metrics").json
    shown = {status: found["orders_by_status", status] for status in OrderStatus}
    assert shown == {status: document["status_counts"][status] for status in OrderStatus}
    assert found["orders_accepted_total", ""] == document["total_orders"] == 7
    assert found["orders_completed_total", ""] == document["processed_count"] == 4
    for kind in ("processing", "waiting"):
        assert found[f"orders_{kind}_seconds_count", ""] == 4
    average = found["orders_processing_seconds_sum", ""] / 4
    assert average == pytest.approx(document["average_processing_time"])
    assert found["orders_oldest_pending_age_seconds", ""] == pytest.approx(
        document["oldest_pending_age"], abs=30
    )


@pytest.mark.usefixtures("work_of_every_kind")
def test_every_transition_is_counted(client: FlaskClient) -> None:
    found = read(client)
    counted = {name.removesuffix("_total"): n for (name, _), n in found.items() if "_total" in name}
    assert counted == {
        "orders_accepted": 7,
        "orders_claimed": 7,
        "orders_completed": 4,
        "orders_failed": 1,
        "orders_retried": 1,
        "orders_released": 0,
        "orders_adopted": 1,
        "orders_cancelled": 2,
        "orders_reopened_failed": 1,
        "orders_reopened_cancelled": 1,
        "orders_stale_completions": 1,
        "orders_pruned": 0,
    }


@pytest.mark.usefixtures("work_of_every_kind")
def test_the_buckets_of_a_histogram_grow_up_to_its_count(client: FlaskClient) -> None:
    found = read(client)
    buckets = sorted(
        (float(le), n)
        for (name, le), n in found.items()
        if name.endswith("processing_seconds_bucket")
    )
    counts = [n for _, n in buckets]
    assert counts == sorted(counts)
    assert buckets[0] == (0.0001, 1)
    assert dict(buckets)[1.0] == 2
    assert dict(buckets)[10.0] == 3
    assert buckets[-2][1] == 3  # two days are longer than any bucket
    assert buckets[-1] == (math.inf, 4)


def test_every_family_says_what_it_is(client: FlaskClient) -> None:
    for name, family in families(client).items():
        assert name.startswith("orders_")
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge", "histogram"}
        assert (family.type == "histogram") == (name.endswith("ing_seconds"))


def test_the_workers_that_are_alive_show_their_queues(client: FlaskClient, engine: Engine) -> None:
    first, second, gone = (
        in_transaction(engine, workers.register, identity(pid=pid)) for pid in (1, 2, 3)
    )
    in_transaction(engine, workers.leave, gone)
    for worker_id, length in ((first, 3), (second, 0)):
        in_transaction(
            engine,
            workers.beat,
            worker_id,
            state=workers.WorkerState.ACTIVE,
            queue_length=length,
            current_order=None,
        )
    found = read(client)
    queues = {worker: n for (name, worker), n in found.items() if name == "orders_queue_length"}
    assert queues == {str(first): 3, str(second): 0}
    assert found["orders_workers_alive", ""] == 2
    assert client.get("/metrics").json["workers"] == {"alive": 2, "queue_lengths": [3, 0]}


def counted(found: Samples) -> Samples:
    """Return what may only grow."""
    ends = ("_total", "_bucket", "_sum", "_count")
    return {key: value for key, value in found.items() if key[0].endswith(ends)}


def test_no_counter_ever_falls(client: FlaskClient, engine: Engine) -> None:
    worker_id = in_transaction(engine, workers.register, identity())

    def work() -> None:
        settle(
            engine, [ending(c) for c in place_and_claim(engine, owner=worker_id)], owner=worker_id
        )
        claim(engine, place(engine), owner=worker_id)

    steps: list[Callable[[], Any]] = [
        work,
        lambda: in_transaction(engine, workers.leave, worker_id),
        lambda: adopt(engine),
        lambda: in_transaction(engine, counters.fold_retired),
        work,  # by a worker that does not know yet
        lambda: in_transaction(engine, counters.fold_retired),
        lambda: in_transaction(engine, workers.forget_retired),
        lambda: list(prune(engine, ended_before=utc_now())),
    ]
    before = counted(read(client))
    for step in steps:
        step()
        after = counted(read(client))
        assert after.keys() == before.keys()
        assert all(after[key] >= value for key, value in before.items())
        before = after
    assert before["orders_completed_total", ""] == before["orders_pruned_total", "COMPLETED"] == 2


@pytest.mark.parametrize(
    ("path", "accept", "content_type"),
    [
        ("/metrics", None, "application/json"),
        ("/metrics", "*/*", "application/json"),
        ("/metrics", TEXT, "text/plain; version=0.0.4; charset=utf-8"),
        ("/metrics", "text/plain", "text/plain; version=0.0.4; charset=utf-8"),
        ("/metrics", OPENMETRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("/metrics/prometheus", None, "text/plain; version=0.0.4; charset=utf-8"),
        ("/metrics/prometheus", "application/json", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "/metrics/prometheus",
            "application/openmetrics-text",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
def test_the_answer_is_what_the_client_reads(
    client: FlaskClient, path: str, accept: str | None, content_type: str
) -> None:
    answer = client.get(path, headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("no-store", "Accept")


def test_counters_of_all_workers_add_up(client: FlaskClient, engine: Engine) -> None:
    for owner in (OWNER, OTHER):
        settle(engine, [ending(c) for c in place_and_claim(engine, owner=owner)], owner=owner)
    found = read(client)
    assert found["orders_completed_total", ""] == 2
    assert found["orders_waiting_seconds_count", ""] == 2
