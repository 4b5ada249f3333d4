"""Where an answer leads: the operations on the order that it shows."""

from collections.abc import Mapping
from typing import Any, Final

TO_THE_ORDER: Final[Mapping[str, Mapping[str, Any]]] = {
    **{
        name: {"operationId": name, "parameters": {"order_id": "$response.body#/order_id"}}
        for name in ("get_order", "get_order_status", "cancel_order", "retry_order")
    },
    "get_order_by_id": {
        "operationId": "get_order_by_id",
        "parameters": {"row_id": "$response.body#/id"},
    },
}
"""From an answer that has the order's `order_id` and `id`."""
