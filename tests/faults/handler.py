"""The order handler of the fault runs: ORDER_HANDLER=tests.faults.handler:handle."""

import ctypes
import os
import time
from pathlib import Path

from app.processing.handlers import Order, PermanentError
from tests.faults.ledger import record
from tests.faults.memory import join
from tests.faults.script import Act, Script

MEBIBYTE = 1024 * 1024


def handle(order: Order) -> None:
    """Write one line to the file LEDGER names, then do what the script asks of this attempt."""
    record(Path(os.environ["LEDGER"]), order.order_id, order.attempt)
    script = Script.from_environment(os.environ)
    act, amount = script.act(order.order_id, order.user_id, order.attempt)
    asked = f"order {order.order_id!r}: asked to {act} in attempt {order.attempt}"
    match act:
        case Act.SLOW:
            time.sleep(amount)
        case Act.RAISE:
            raise RuntimeError(asked)
        case Act.PERMANENT:
            raise PermanentError(asked)
        case Act.EXIT:
            os._exit(1)
        case Act.SEGV:
            ctypes.string_at(0)
        case Act.HANG:
            time.sleep(3600)
        case Act.ALLOCATE:
            if group := os.environ.get("MEMORY_GROUP"):
                join(Path(group))
            kept = [b"x" * MEBIBYTE for _ in range(int(amount))]
            raise MemoryError(f"{asked}, had {len(kept)} MiB")
