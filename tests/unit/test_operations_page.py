"""docs/operations.md names the metrics there are."""

import re
from pathlib import Path

from prometheus_client import Metric

from app.api.prometheus import MetricsCollector
from app.orders.durations import Durations
from app.orders.lifecycle import ENDS, TRANSITIONS, OrderStatus
from app.orders.metrics import Metrics

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
NOTHING = Metrics(
    moved=dict.fromkeys(TRANSITIONS, 0),
    counts=dict.fromkeys(OrderStatus, 0),
    pruned=dict.fromkeys(ENDS, 0),
    stale_completions=0,
    waiting=Durations(0, {}),
    processing=Durations(0, {}),
    oldest_pending_age=None,
    accepted_per_second=0,
    completed_per_second=0,
    queue_lengths={},
)


def shown_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_the_page_lists_every_metric_with_its_type() -> None:
    listed = re.findall(r"^\| `(orders_\w+)` \| (\w+) \|", PAGE, re.MULTILINE)
    families = MetricsCollector(NOTHING).collect()
    assert sorted(listed) == sorted((shown_name(each), each.type) for each in families)


def test_its_expressions_are_of_metrics_that_there_are() -> None:
    there_are = {shown_name(each) for each in MetricsCollector(NOTHING).collect()}
    used = re.findall(r"\borders_[a-z_]+", "".join(re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)))
    assert {name.removesuffix("_bucket") for name in used} <= there_are
