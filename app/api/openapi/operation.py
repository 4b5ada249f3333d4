"""What a view says of itself for the OpenAPI document."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from pydantic import BaseModel

from app.api.openapi.parameters import Parameter
from app.orders.errors import OrderError

View = TypeVar("View", bound=Callable[..., Any])

_ATTRIBUTE: Final = "openapi"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status other than an error's."""

    model: Any = None
    """The type of its JSON, as pydantic knows it; None for no JSON."""
    headers: tuple[str, ...] = ()
    """Those it may have besides what every answer has; `parameters.RESPONSE_HEADERS` has them."""
    text: Mapping[str, str] | None = None
    """Other media types it comes in, each with an example."""
    links: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Link Objects: the operations it leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What the document says of a view and cannot know from its path and its docstring.

    The path's parameters, the docstring and what every operation can answer are added to it.
    """

    answers: Mapping[int, Answer]
    body: type[BaseModel] | None
    """What its JSON must be. It brings the answers 400, 413 and 415 with it."""
    query: type[BaseModel] | None
    """What the query must be, member by member. It brings 400 with it."""
    headers: tuple[Parameter, ...]
    """Those it heeds besides what every operation does."""
    raises: tuple[type[OrderError], ...]


def operation(
    *,
    answers: Mapping[int, Answer],
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    headers: tuple[Parameter, ...] = (),
    raises: tuple[type[OrderError], ...] = (),
) -> Callable[[View], View]:
    """Describe a view: it stays the same function, and a request does not notice.

    The first line of its docstring is the summary, the name of its blueprint the tag.
    """

    def attach(view: View) -> View:
        described = Operation(
            answers=answers, body=body, query=query, headers=headers, raises=raises
        )
        setattr(view, _ATTRIBUTE, described)
        return view

    return attach


def operation_of(view: Callable[..., Any]) -> Operation | None:
    """Return what the view says of itself; None if it says nothing."""
    return cast("Operation | None", getattr(view, _ATTRIBUTE, None))
