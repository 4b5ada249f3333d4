"""What the service says about itself and to its clients: exact counters, no error but a 503."""

from collections import Counter
from collections.abc import Iterator

from tests.faults.evidence import Evidence
from tests.faults.rules.violation import Violation

UNAVAILABLE_SECONDS = 5
METRICS = {
    "pending_count": "PENDING",
    "processing_count": "PROCESSING",
    "processed_count": "COMPLETED",
    "failed_count": "FAILED",
    "cancelled_count": "CANCELLED",
}


def the_counters_equal_a_recount(evidence: Evidence) -> Iterator[Violation]:
    """Rule 6: what `/metrics` says is what the rows say."""
    if evidence.metrics is None:
        return
    statuses = Counter(row.status for row in evidence.rows)
    recount = {name: statuses[status] for name, status in METRICS.items()}
    recount["total_orders"] = len(evidence.rows)
    for name, rows in recount.items():
        counter = evidence.metrics.get(name)
        if counter != rows:
            yield Violation(6, name, f"is {counter}, a recount gives {rows}")


def every_error_is_a_503_in_time(evidence: Evidence) -> Iterator[Violation]:
    """Rule 7: no 5xx but 503, and no 503 later than 5 s after the last fault."""
    faults = evidence.allowance.fault_times
    for call in evidence.calls:
        subject = call.key or f"{call.method} {call.path}"
        if call.status is None or call.status < 500:
            continue
        if call.status != 503:
            yield Violation(7, subject, f"was answered {call.status}")
        elif faults and call.answered_at is not None:
            late = call.answered_at - faults[-1]
            if late > UNAVAILABLE_SECONDS:
                yield Violation(7, subject, f"was answered 503, {late:.1f} s after the last fault")
