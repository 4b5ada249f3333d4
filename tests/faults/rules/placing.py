"""What was accepted is there, once and as it was sent, and nothing else is."""

from collections.abc import Iterator

from tests.faults.evidence import Evidence, content_sent, content_stored
from tests.faults.journal import Call
from tests.faults.rules.violation import Harm, Violation


def every_accepted_order_is_there_as_sent(evidence: Evidence) -> Iterator[Violation]:
    """Rule 1: a key answered 201 has one row, one order id in every answer, the body as sent."""
    for key, calls in evidence.creations.items():
        accepted = [call for call in calls if call.status == 201]
        if not accepted:
            continue
        order_ids = {str(call.order_id) for call in accepted}
        if len(order_ids) > 1:
            names = " and ".join(sorted(order_ids))
            yield Violation(1, key, f"was answered with the orders {names}", Harm.TWICE)
        rows = evidence.rows_of_key.get(key, ())
        if len(rows) > 1:
            yield Violation(1, key, f"has {len(rows)} rows", Harm.TWICE)
        for call in accepted:
            yield from _row_as_answered(evidence, key, call)


def _row_as_answered(evidence: Evidence, key: str, call: Call) -> Iterator[Violation]:
    row = evidence.row_of_order.get(str(call.order_id))
    if row is None:
        sentence = f"was answered 201 with order {call.order_id}, which is not there"
        yield Violation(1, key, sentence, Harm.LOST)
        return
    if content_stored(row) != content_sent(call):
        sentence = f"asked for {content_sent(call)}, order {row.order_id} has {content_stored(row)}"
        yield Violation(1, key, sentence)
    if call.row_id not in {None, row.id}:
        yield Violation(1, key, f"was answered with id {call.row_id}, the row has {row.id}")
    asked = (call.body or {}).get("order_id", row.order_id)
    if asked != row.order_id:
        yield Violation(1, key, f"asked for order id {asked}, got {row.order_id}")


def every_row_was_asked_for(evidence: Evidence) -> Iterator[Violation]:
    """Rule 2: no row without a creation; a key that only ever got errors has one row at most."""
    for key, rows in evidence.rows_of_key.items():
        if key is None:
            for row in rows:
                yield Violation(2, row.order_id, "was never asked for", Harm.PHANTOM)
        elif len(rows) > 1 and all(call.status != 201 for call in evidence.creations[key]):
            sentence = f"only got errors and has {len(rows)} rows"
            yield Violation(2, key, sentence, Harm.TWICE)
