"""What a list of orders can be asked with."""

from datetime import UTC, datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.api.parameters import WHOLE_NUMBER
from app.orders.errors import UnknownStatusError
from app.orders.lifecycle import OrderStatus, status_named
from app.orders.listing import Selection

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 200

Sort = Literal["-created_at", "created_at", "-id", "id"]
_OLDEST_FIRST: Final = frozenset({"created_at", "id"})


def _status(value: object) -> OrderStatus:
    try:
        return status_named(str(value))
    except UnknownStatusError as error:
        raise PydanticCustomError("status", "{reason}", {"reason": str(error)}) from None


def _moment(value: object) -> datetime:
    """Read a time as the tables hold it; one without a zone is UTC."""
    try:
        moment = datetime.fromisoformat(str(value))
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise PydanticCustomError(
            "time", "should be a time such as 2026-01-02T03:04:05.123456Z"
        ) from None


class ListQuery(BaseModel):
    """Which orders to list; every filter must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Annotated[OrderStatus, BeforeValidator(_status)] | None = Field(
        None, description="in any case"
    )
    user_id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")] | None = None
    created_from: Annotated[datetime, BeforeValidator(_moment)] | None = Field(
        None, description="only orders created then or later; UTC if it has no zone"
    )
    created_to: Annotated[datetime, BeforeValidator(_moment)] | None = Field(
        None, description="only orders created then or earlier; UTC if it has no zone"
    )
    sort: Sort = Field(
        "-created_at",
        description="newest first, or oldest; by `id`, which grows as the orders come in",
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT), WHOLE_NUMBER] = DEFAULT_LIMIT
    cursor: str | None = Field(None, description="`next_cursor` of the page before")

    @property
    def selection(self) -> Selection:
        """The list that is asked for, of which the answer is one page."""
        return Selection(
            status=self.status,
            user_id=self.user_id,
            created_from=self.created_from,
            created_to=self.created_to,
            oldest_first=self.sort in _OLDEST_FIRST,
        )
