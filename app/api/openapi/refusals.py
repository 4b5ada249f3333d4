"""What the use cases raise, in the groups that views need."""

from typing import Final

from app.orders import errors

READING: Final = (errors.UnavailableError,)
FINDING: Final = (*READING, errors.OrderNotFoundError)
MOVING: Final = (*FINDING, errors.OutcomeUnknownError, errors.WrongStatusError)
_WRITING: Final = (
    *READING,
    errors.OverloadedError,
    errors.OutcomeUnknownError,
    errors.OrderRefusedError,
    errors.IdempotencyKeyReusedError,
)
PLACING: Final = (*_WRITING, errors.OrderExistsError)
PLACING_BULK: Final = (*_WRITING, errors.BulkRefusedError)
POPULATING: Final = _WRITING
