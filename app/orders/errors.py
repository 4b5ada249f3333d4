"""What can go wrong with an order, in the words of the domain."""

from collections.abc import Mapping


class OrderError(Exception):
    """Something about an order that its sender should know."""

    code = "order_error"
    """A stable word for programs."""
    retry_after_seconds: int | None = None
    """When to try again; None where trying again changes nothing."""

    def __init__(self, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        if retry_after_seconds is not None:
            self.retry_after_seconds = retry_after_seconds


class OrderNotFoundError(OrderError):
    """No order has this id."""

    code = "order_not_found"


class OrderExistsError(OrderError):
    """Another order has this `order_id` already."""

    code = "order_exists"


class BulkRefusedError(OrderError):
    """None of the orders was written, because some of them cannot be.

    Args:
        detail: One sentence.
        refused: What is wrong with which of the orders, by their number from 0.

    """

    code = "order_exists"

    def __init__(self, detail: str, refused: Mapping[int, OrderError] | None = None) -> None:
        super().__init__(detail)
        self.refused = refused or {}


class IdempotencyKeyReusedError(OrderError):
    """The idempotency key belongs to an order with another content."""

    code = "idempotency_key_reused"


class UnknownStatusError(OrderError):
    """No order can have this status."""

    code = "unknown_status"


class WrongStatusError(OrderError):
    """The order does not stand where this can be done to it."""

    code = "wrong_status"


class OrderRefusedError(OrderError):
    """The database does not take one of the order's values."""

    code = "order_refused"


class UnavailableError(OrderError):
    """Nothing was written, for now: the database cannot be reached or is too busy."""

    code = "unavailable"
    retry_after_seconds = 1


class OverloadedError(UnavailableError):
    """Nothing was written: too many orders are waiting already."""

    code = "backlog_full"
    retry_after_seconds = 5


class OutcomeUnknownError(UnavailableError):
    """It may have been written or not; the same request will tell, a create by its key."""

    code = "outcome_unknown"
