"""Metrics as Prometheus reads them. The numbers come from the database, not from this process."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from flask import Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from app.orders import lifecycle
from app.orders.durations import Durations
from app.orders.histogram import cumulative
from app.orders.metrics import Metrics

TEXT: Final = "text/plain"
OPENMETRICS: Final = "application/openmetrics-text"

_FORMATS: Final[dict[str, tuple[Callable[[CollectorRegistry], bytes], str]]] = {
    TEXT: (generate_latest, CONTENT_TYPE_PLAIN_0_0_4),
    OPENMETRICS: (openmetrics.generate_latest, openmetrics.CONTENT_TYPE_LATEST),
}
TRANSITION_COUNTERS: Final = {
    lifecycle.PLACE: ("orders_accepted", "Orders taken in."),
    lifecycle.CLAIM: ("orders_claimed", "Attempts claimed by a worker."),
    lifecycle.COMPLETE: ("orders_completed", "Orders whose handler returned."),
    lifecycle.FAIL: ("orders_failed", "Orders given up."),
    lifecycle.RETRY_LATER: ("orders_retried", "Attempts that raised, to be repeated later."),
    lifecycle.RELEASE: ("orders_released", "Claims given back by a worker that stopped."),
    lifecycle.ADOPT: ("orders_adopted", "Orders taken back from a worker that was gone."),
    lifecycle.CANCEL: ("orders_cancelled", "Orders taken back by a person."),
    lifecycle.REOPEN_FAILED: ("orders_reopened_failed", "Failed orders sent round again."),
    lifecycle.REOPEN_CANCELLED: (
        "orders_reopened_cancelled",
        "Cancelled orders sent round again.",
    ),
}
"""Name, without `_total`, and description of the counter of each transition."""


def exposition(metrics: Metrics, media_type: str) -> Response:
    """Return the metrics as an answer of type `TEXT` or `OPENMETRICS`."""
    registry = CollectorRegistry()
    registry.register(MetricsCollector(metrics))
    generate, content_type = _FORMATS[media_type]
    response = Response(generate(registry), content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


class MetricsCollector(Collector):
    """Shows one reading of the metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Yield every family."""
        yield from _counters(self._metrics)
        yield from _gauges(self._metrics)
        yield _histogram(
            "orders_waiting_seconds",
            "From the creation of a completed order to the start of its last attempt.",
            self._metrics.waiting,
        )
        yield _histogram(
            "orders_processing_seconds",
            "From the start of a completed order's last attempt to its end.",
            self._metrics.processing,
        )


def _counters(metrics: Metrics) -> Iterator[Metric]:
    for transition, (name, description) in TRANSITION_COUNTERS.items():
        yield CounterMetricFamily(name, description, metrics.moved[transition])
    yield CounterMetricFamily(
        "orders_stale_completions",
        "Attempts that ended after another worker had taken their order over.",
        metrics.stale_completions,
    )
    pruned = CounterMetricFamily(
        "orders_pruned", "Ended orders that were deleted for their age.", labels=["status"]
    )
    for status, count in metrics.pruned.items():
        pruned.add_metric([status], count)
    yield pruned


def _gauges(metrics: Metrics) -> Iterator[Metric]:
    yield _labelled(
        "orders_by_status",
        "Orders that stand in a status, those that were pruned among them.",
        "status",
        metrics.counts.items(),
    )
    yield GaugeMetricFamily(
        "orders_oldest_pending_age_seconds",
        "How long the order at the head of the queue has waited; 0 if none waits.",
        metrics.oldest_pending_age or 0.0,
    )
    yield GaugeMetricFamily(
        "orders_workers_alive", "Worker processes that are alive.", len(metrics.queue_lengths)
    )
    yield _labelled(
        "orders_queue_length",
        "Orders that a worker has queued in its memory.",
        "worker",
        metrics.queue_lengths.items(),
    )


def _labelled(
    name: str, description: str, label: str, values: Iterable[tuple[object, int]]
) -> Metric:
    family = GaugeMetricFamily(name, description, labels=[label])
    for label_value, value in values:
        family.add_metric([str(label_value)], value)
    return family


def _histogram(name: str, description: str, durations: Durations) -> Metric:
    buckets = [
        (floatToGoString(bound), within)  # type: ignore[no-untyped-call]  # the library's gap
        for bound, within in cumulative(durations.buckets)
    ]
    return HistogramMetricFamily(
        name, description, buckets=buckets, sum_value=durations.total_seconds
    )
