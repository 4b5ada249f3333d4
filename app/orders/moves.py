"""One line in the log for each transition of an order, at DEBUG."""

import logging
from collections.abc import Iterable

from app.orders.lifecycle import Transition

log = logging.getLogger(__name__)


def log_moves(moves: Iterable[tuple[Transition, str]]) -> None:
    """Log the transitions that a transaction has made, once it is committed.

    Args:
        moves: Each transition with the `order_id`; not looked at unless DEBUG is logged.

    """
    if not log.isEnabledFor(logging.DEBUG):
        return
    for transition, order_id in moves:
        facts = {"action": transition.name, "order_id": order_id, "status": transition.target.value}
        log.debug("order moved", extra=facts)
