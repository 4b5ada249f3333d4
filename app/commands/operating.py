"""Commands that look at the whole: its totals, its workers, its books."""

import sys
from collections.abc import Iterator
from datetime import timedelta

import click

from app.api.documents import metrics_document
from app.clock import utc_now
from app.commands.ages import Age
from app.commands.group import json_option, service
from app.commands.tables import print_json, print_table
from app.database import db
from app.orders.audit import audit
from app.orders.lifecycle import ENDS
from app.orders.metrics import Metrics
from app.orders.pruning import prune as prune_orders
from app.orders.workers import WorkerState, alive
from app.transactions import run_transaction


@click.command()
@json_option
def stats(*, as_json: bool) -> None:
    """Show the totals, as /metrics does."""
    metrics = service().metrics()
    if as_json:
        print_json(metrics_document(metrics))
        return
    print_table(["orders", ""], _order_counts(metrics))
    print_table(["seconds", "average", "p50", "p95", "p99"], _durations(metrics))
    print_table(["now", ""], _pace(metrics))


@click.command()
@json_option
def workers(*, as_json: bool) -> None:
    """Show the workers that are alive, and what they do."""
    now = utc_now()
    documents = [
        {
            "id": row.id,
            "host": row.host,
            "pid": row.pid,
            "slot": row.slot,
            "version": row.version,
            "state": WorkerState(row.state).name,
            "heartbeat_age": max(0.0, (now - row.beat_at).total_seconds()),
            "queue_length": row.queue_length,
            "current_order": row.current_order,
        }
        for row in run_transaction(db.engine, alive, read_only=True)
    ]
    if as_json:
        print_json(documents)
    elif documents:
        headings = [name.replace("_", " ") for name in documents[0]]
        print_table(headings, [list(each.values()) for each in documents])
    else:
        click.echo("No worker is alive.")


@click.command()
@click.option("--older-than", required=True, type=Age(), help="Age since their end, such as 30d.")
@json_option
def prune(older_than: timedelta, *, as_json: bool) -> None:
    """Delete orders that ended long ago; the totals keep them."""
    pruned = dict.fromkeys(ENDS, 0)
    for status, deleted in prune_orders(db.engine, ended_before=utc_now() - older_than):
        pruned[status] += deleted
    if as_json:
        print_json({"pruned": sum(pruned.values()), "by_status": pruned})
    else:
        by_status = ", ".join(f"{count} {status}" for status, count in pruned.items())
        click.echo(f"Deleted {sum(pruned.values())} orders: {by_status}.")


@click.command()
@json_option
def verify(*, as_json: bool) -> None:
    """Recount the orders; status 1 if the counters differ."""
    differences = run_transaction(db.engine, audit, read_only=True)
    if as_json:
        document = [
            {"status": each.status, "counted": each.counted, "found": each.found}
            for each in differences
        ]
        print_json({"ok": not differences, "differences": document})
    for each in differences if not as_json else ():
        click.echo(f"{each.status}: the counters say {each.counted}, there are {each.found} rows")
    if not differences and not as_json:
        click.echo("The counters agree with the rows.")
    sys.exit(1 if differences else 0)


def _order_counts(metrics: Metrics) -> Iterator[tuple[str, int]]:
    yield from ((str(status), count) for status, count in metrics.counts.items())
    yield "total", sum(metrics.counts.values())


def _durations(metrics: Metrics) -> Iterator[tuple[str | float | None, ...]]:
    for kind, durations in (("waiting", metrics.waiting), ("processing", metrics.processing)):
        yield kind, durations.average, *durations.percentiles.values()


def _pace(metrics: Metrics) -> Iterator[tuple[str, int | float | None]]:
    yield "accepted a second", metrics.accepted_per_second
    yield "completed a second", metrics.completed_per_second
    yield "seconds until the backlog is worked off", metrics.drain_seconds
    yield "seconds the oldest pending order has waited", metrics.oldest_pending_age
    yield "workers alive", len(metrics.queue_lengths)
    yield "orders in their queues", sum(metrics.queue_lengths.values())
