"""The OpenAPI document, put together from the routes and what their views say of themselves."""

import inspect
import re
import sys
from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final

from apispec import APISpec
from flask import Flask

from app.api.openapi.operation import Answer
from app.api.openapi.parameters import (
    EVERYWHERE,
    PATH_PARAMETERS,
    REQUEST_HEADERS,
    REQUEST_ID,
    RESPONSE_HEADERS,
    SECURITY_SCHEMES,
)
from app.api.openapi.problems import ProblemDocument, problem_answers
from app.api.openapi.routes import Route, routes
from app.api.openapi.schemas import Schemas
from app.version import __version__

_DESCRIPTION: Final = """\
Takes orders in, answers once they are durable, works them off in the background, counts them.

Whatever goes wrong is answered with a problem document (RFC 9457) that has a stable `code`.
A create can be repeated safely with an `Idempotency-Key`.
"""


def build_document(app: Flask) -> dict[str, Any]:
    """Return the OpenAPI document of all views of the app that describe themselves."""
    found = list(routes(app))
    schemas = Schemas([route.operation for route in found], ProblemDocument)
    spec = APISpec(
        title="Order processing",
        version=__version__,
        openapi_version="3.1.0",
        info={"description": _DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
    )
    _add_components(spec, schemas)
    for name in dict.fromkeys(route.tag for route in found):
        module = sys.modules[app.blueprints[name].import_name]
        spec.tag({"name": name, "description": _first_line(module.__doc__)})
    keyed = bool(app.config["SETTINGS"].api_keys)
    taken: set[str] = set()
    for route in found:
        described = _describe(route, schemas) | _security(route, keyed=keyed)
        described["operationId"] = _operation_id(route, taken)
        taken.add(described["operationId"])
        spec.path(route.path, operations={route.method.lower(): described})
    return spec.to_dict()


def _add_components(spec: APISpec, schemas: Schemas) -> None:
    components = spec.components
    for name, schema in schemas.components.items():
        components.schema(name, dict(schema))
    for name, header in RESPONSE_HEADERS.items():
        components.header(name, dict(header))
    for name, parameter in PATH_PARAMETERS.items():
        components.parameter(name, "path", dict(parameter))
    for parameter in REQUEST_HEADERS:
        components.parameter(parameter["name"], "header", dict(parameter))
    for name, scheme in SECURITY_SCHEMES.items():
        components.security_scheme(name, dict(scheme))


def _describe(route: Route, schemas: Schemas) -> dict[str, Any]:
    operation = route.operation
    summary, _, description = inspect.cleandoc(route.view.__doc__ or "").partition("\n")
    problem = schemas.content(ProblemDocument, "serialization")["schema"]
    answers = problem_answers(route, problem)
    answers |= {
        status: _answer(status, each, schemas) for status, each in operation.answers.items()
    }
    described: dict[str, Any] = {
        "tags": [route.tag],
        "summary": summary,
        "description": f"{description.strip()}\n\n{_access(route)}".strip(),
        "parameters": _parameters(route, schemas),
        "responses": {str(status): answers[status] for status in sorted(answers)},
    }
    if operation.body:
        content = schemas.content(operation.body, "validation")
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    return described


def _access(route: Route) -> str:
    if route.role is None:
        return "Needs no key."
    return f"Where there are API keys it needs one with the role `{route.role}`."


def _parameters(route: Route, schemas: Schemas) -> list[Any]:
    operation = route.operation
    query = schemas.members(operation.query) if operation.query else []
    return [
        *route.arguments,
        *(
            {
                "name": name,
                "in": "query",
                "description": schema.get("description", ""),
                "required": required,
                "allowEmptyValue": True,
                "schema": schema,
            }
            for name, schema, required in query
        ),
        *(header["name"] for header in (*operation.headers, REQUEST_ID)),
    ]


def _answer(status: int, answer: Answer, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if answer.model is not None:
        content["application/json"] = schemas.content(answer.model, "serialization")
    for media_type, example in (answer.text or {}).items():
        content[media_type] = {"schema": {"type": "string"}, "example": example}
    return {
        "description": _first_line(getattr(answer.model, "__doc__", ""))
        or HTTPStatus(status).phrase,
        "headers": {name: name for name in (*EVERYWHERE, *answer.headers)},
        **({"content": content} if content else {}),
        **({"links": dict(answer.links)} if answer.links else {}),
    }


def _security(route: Route, *, keyed: bool) -> dict[str, Any]:
    """Return what a request must come with; without keys it can come with nothing."""
    if route.role is None:
        return {"security": []}
    needed: list[dict[str, list[str]]] = [{name: []} for name in SECURITY_SCHEMES]
    return {"security": needed if keyed else [{}, *needed]}


def _operation_id(route: Route, taken: Collection[str]) -> str:
    """Return the view's name, for its further paths with the path added."""
    name = route.view.__name__
    return name + re.sub(r"\W+", "_", f"_at{route.path}") if name in taken else name


def _first_line(docstring: str | None) -> str:
    return (docstring or "").partition("\n")[0]
