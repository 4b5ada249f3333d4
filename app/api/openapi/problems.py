"""Problem documents in the OpenAPI document: which operation can answer which, with examples."""

import inspect
from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field
from werkzeug.exceptions import (
    Forbidden,
    RequestEntityTooLarge,
    TooManyRequests,
    Unauthorized,
    UnsupportedMediaType,
)

from app.api.openapi.examples import shown_as
from app.api.openapi.parameters import EVERYWHERE, IDEMPOTENCY_KEY
from app.api.openapi.routes import Route
from app.api.problems import BUG, Problem, problem_of
from app.api.rate_limit import NOT_LIMITED

MEDIA_TYPE: Final = "application/problem+json"
_REQUEST_ID: Final = "01a1fb59-a2b6-70fc-84f5-fed173939911"

_MALFORMED_BODY: Final = Problem(
    HTTPStatus.BAD_REQUEST,
    "malformed_body",
    "/user_id should be there only once",
    "/user_id should be there only once",
    [{"pointer": "/user_id", "detail": "should be there only once"}],
)
_INVALID_ORDER: Final = Problem(
    HTTPStatus.BAD_REQUEST,
    "invalid_order",
    "/user_id: should be there",
    "/user_id: should be there",
    [{"pointer": "/user_id", "detail": "should be there"}],
)
_INVALID_KEY: Final = Problem(
    HTTPStatus.BAD_REQUEST,
    "invalid_idempotency_key",
    "Idempotency-Key should be 1 to 255 visible ASCII characters",
    "Idempotency-Key should be 1 to 255 visible ASCII characters",
)
_INVALID_PARAMETER: Final = Problem(
    HTTPStatus.BAD_REQUEST,
    "invalid_parameter",
    "limit: should be 200 or less",
    "limit: should be 200 or less",
    [{"parameter": "limit", "detail": "should be 200 or less"}],
)
_TOO_LARGE: Final = problem_of(RequestEntityTooLarge())
_NO_JSON: Final = problem_of(UnsupportedMediaType("the Content-Type should be application/json"))
_NO_KEY: Final = problem_of(Unauthorized("an API key is needed"))
_SMALL_ROLE: Final = problem_of(Forbidden("the key 'ada' has the role read; this needs write"))
_TOO_MANY: Final = problem_of(TooManyRequests("the limit is 100 per 1 second"))


class MemberAtFault(BaseModel):
    """What is wrong with which member of the body."""

    pointer: Annotated[str, Field(description="A JSON pointer (RFC 6901).")]
    detail: str


class ParameterAtFault(BaseModel):
    """What is wrong with which parameter of the query."""

    parameter: str
    detail: str


class ProblemDocument(BaseModel):
    """Why a request was not answered as hoped (RFC 9457)."""

    model_config = shown_as(_INVALID_ORDER.document(path="/orders", request_id=_REQUEST_ID))

    type: str
    title: Annotated[str, Field(description="What the status is called.")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What was wrong with this request.")]
    instance: Annotated[str, Field(description="The path that was asked for.")]
    code: Annotated[str, Field(description="A stable word for programs.")]
    error: Annotated[str, Field(description="One sentence, for simple clients.")]
    request_id: Annotated[str, Field(description="Finds the request in the log.")]
    errors: list[MemberAtFault | ParameterAtFault] = []


def problem_answers(route: Route, schema: Any) -> dict[int, dict[str, Any]]:
    """Return the answers to requests for this route that fail, by status.

    Args:
        route: The route.
        schema: That of a problem document.

    """
    by_status: dict[int, list[Problem]] = defaultdict(list)
    for problem in _problems(route):
        by_status[problem.status].append(problem)
    return {
        status: {
            "description": _description(problems),
            "headers": _headers(problems),
            "content": {
                MEDIA_TYPE: {"schema": schema, "examples": _examples(problems, route.path)}
            },
        }
        for status, problems in by_status.items()
    }


def _problems(route: Route) -> Iterator[Problem]:
    operation = route.operation
    if operation.body:
        yield from (_MALFORMED_BODY, _INVALID_ORDER, _TOO_LARGE, _NO_JSON)
    if operation.query:
        yield _INVALID_PARAMETER
    if IDEMPOTENCY_KEY in operation.headers:
        yield _INVALID_KEY
    if route.role is not None:
        yield _NO_KEY
        yield _SMALL_ROLE
    for error in operation.raises:
        yield problem_of(error(inspect.cleandoc(error.__doc__ or "").partition("\n")[0]))
    if route.path not in NOT_LIMITED:
        yield _TOO_MANY
    yield BUG


def _description(problems: list[Problem]) -> str:
    return f"{problems[0].status.phrase}: {', '.join(f'`{each.code}`' for each in problems)}"


def _headers(problems: list[Problem]) -> dict[str, str]:
    names = [*EVERYWHERE]
    tells_when = all(each.retry_after_seconds is not None for each in problems)
    if tells_when or problems[0].status == HTTPStatus.TOO_MANY_REQUESTS:
        names.append("Retry-After")
    if problems[0].status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    return {name: name for name in names}


def _examples(problems: list[Problem], path: str) -> dict[str, Any]:
    return {
        each.code: {
            "summary": each.error,
            "value": each.document(path=path, request_id=_REQUEST_ID),
        }
        for each in problems
    }
