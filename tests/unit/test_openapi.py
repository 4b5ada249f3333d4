"""The OpenAPI document: the routes, all of them and nothing else, and valid."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask

from app import create_app
from app.api.openapi.document import build_document
from app.api.openapi.operation import Answer, operation
from app.api.openapi.routes import path_of
from app.orders.errors import OrderNotFoundError
from app.settings import Settings

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
FILES_OF_PAGES = {"docs.get_docs_file"}
"""What a browser asks for by itself."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    directory = tmp_path_factory.mktemp("openapi")
    return create_app(Settings(database_url=f"sqlite:///{directory}/orders.db"))


@pytest.fixture(scope="module")
def document(app: Flask) -> dict[str, Any]:
    return build_document(app)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield path, method and what the document says of them."""
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield path, method.upper(), described


def contents(described: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every body an operation takes or answers with, and where it stands."""
    for media_type, content in described.get("requestBody", {}).get("content", {}).items():
        yield f"request {media_type}", content
    for status, answer in described["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            yield f"{status} {media_type}", content


def examples(content: dict[str, Any]) -> list[Any]:
    """Return the examples of a body."""
    named = [each["value"] for each in content.get("examples", {}).values()]
    return named or [content["example"]]


def undocumented(app: Flask, document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return path and method of each route of the API that is not in the document."""
    there = {
        (path_of(rule), method)
        for rule in app.url_map.iter_rules()
        if app.view_functions[rule.endpoint].__module__.startswith("app.api.")
        if rule.endpoint not in FILES_OF_PAGES
        for method in (rule.methods or set()) & METHODS
    }
    return there - {(path, method) for path, method, _ in operations(document)}


def test_it_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


def test_a_document_that_is_none_would_be_found_out(document: dict[str, Any]) -> None:
    broken = document | {"paths": {"/orders": {"get": {"responses": {"200": {}}}}}}
    with pytest.raises(jsonschema_rs.ValidationError):
        schemathesis.openapi.from_dict(broken).validate()


def test_every_route_is_in_it(app: Flask, document: dict[str, Any]) -> None:
    assert undocumented(app, document) == set()


def forgotten() -> str:
    """Have no `operation`."""
    return ""


forgotten.__module__ = "app.api.forgotten"


def test_a_route_that_says_nothing_of_itself_would_be_found_out(tmp_path: Path) -> None:
    app = create_app(Settings(database_url=f"sqlite:///{tmp_path}/orders.db"))
    app.add_url_rule("/forgotten", "forgotten", view_func=forgotten)
    assert undocumented(app, build_document(app)) == {("/forgotten", "GET")}


def test_nothing_is_in_it_that_is_no_route(app: Flask, document: dict[str, Any]) -> None:
    adapter = app.url_map.bind("127.0.0.1")
    for path, method, described in operations(document):
        values = {
            parameter["name"]: parameter["example"]
            for parameter in map(resolver(document), described["parameters"])
            if parameter["in"] == "path"
        }
        rule, found = adapter.match(path.format(**values), method, return_rule=True)
        assert list(found.values()) == list(values.values()), rule


def resolver(document: dict[str, Any]) -> Any:
    """Return what resolves a reference into the document."""

    def resolve(value: dict[str, Any]) -> Any:
        found: Any = document
        for step in value.get("$ref", "").split("/")[1:]:
            found = found[step]
        return found if "$ref" in value else value

    return resolve


def test_every_operation_has_a_name_of_its_own_a_summary_and_a_tag(
    document: dict[str, Any],
) -> None:
    all_of_them = [described for _, _, described in operations(document)]
    names = [described["operationId"] for described in all_of_them]
    assert len(set(names)) == len(names)
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert all(tags.values())
    for described in all_of_them:
        assert described["summary"].endswith("."), described["operationId"]
        assert set(described["tags"]) <= set(tags)


def test_every_body_has_an_example_that_fits_its_schema(document: dict[str, Any]) -> None:
    for path, method, described in operations(document):
        for place, content in contents(described):
            schema = content["schema"] | {"components": document["components"]}
            for example in examples(content):
                error = next(jsonschema_rs.iter_errors(schema, example), None)
                assert error is None, f"{method} {path} {place}: {error}"


def test_every_answer_to_a_failure_is_a_problem_document(document: dict[str, Any]) -> None:
    for path, method, described in operations(document):
        assert "500" in described["responses"], path
        for status, answer in described["responses"].items():
            if int(status) >= 400 and path not in {"/healthz", "/readyz"}:
                assert list(answer["content"]) == ["application/problem+json"], (path, status)
                for example in examples(answer["content"]["application/problem+json"]):
                    assert example["status"] == int(status), (method, path, example)


def test_what_takes_a_body_says_what_becomes_of_a_bad_one(document: dict[str, Any]) -> None:
    taking = [each for _, _, each in operations(document) if "requestBody" in each]
    assert taking
    for described in taking:
        assert {"400", "413", "415"} <= set(described["responses"]), described["operationId"]


def test_the_bounds_of_a_parameter_are_in_it(document: dict[str, Any]) -> None:
    of_list = document["paths"]["/orders"]["get"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in of_list if "name" in each}
    assert schemas["limit"] == {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
    assert schemas["cursor"]["type"] == "string"


def test_a_view_that_describes_itself_stays_the_same_function() -> None:
    def view() -> str:
        """Show something."""
        return ""

    attach = operation(answers={200: Answer()}, raises=(OrderNotFoundError,))
    assert attach(view) is view
    assert inspect.getsource(view).strip().startswith("def")


def test_it_is_served_as_it_was_built(app: Flask, document: dict[str, Any]) -> None:
    client = app.test_client()
    for _ in range(2):
        answer = client.get("/openapi.json")
        assert (answer.status_code, answer.mimetype) == (200, "application/json")
        assert answer.json == document
