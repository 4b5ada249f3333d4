"""The types of requests and answers as JSON Schema, each named once."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from app.api.openapi.operation import Operation

Mode = Literal["validation", "serialization"]
Schema = dict[str, Any]

_PREFIX: Final = "#/components/schemas/"


class _AsWritten(GenerateJsonSchema):
    """Leaves members in their order, and makes no titles of their names."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002 -- pydantic's
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- the same
        return False


class Schemas:
    """The schemas of all types that the operations, and `answers` besides, are made of."""

    def __init__(self, operations: Iterable[Operation], *answers: Any) -> None:
        taken: set[Any] = set()
        given = set(answers)
        for operation in operations:
            taken |= {operation.body, operation.query}
            given |= {answer.model for answer in operation.answers.values()}
        inputs: list[tuple[Any, Mode, TypeAdapter[Any]]] = [
            *((each, "validation", TypeAdapter(each)) for each in taken - {None}),
            *((each, "serialization", TypeAdapter(each)) for each in given - {None}),
        ]
        self._schemas, definitions = TypeAdapter.json_schemas(
            inputs, ref_template=_PREFIX + "{model}", schema_generator=_AsWritten
        )
        self.components: Mapping[str, Schema] = dict(sorted(definitions["$defs"].items()))

    def content(self, kind: Any, mode: Mode) -> dict[str, Any]:
        """Return schema and example of this type, as a media type has them."""
        schema = self._schemas[kind, mode]
        return {"schema": schema, "example": self._example(schema)}

    def members(self, model: Any) -> list[tuple[str, Schema, bool]]:
        """Return what a query's model is made of: name, schema and whether it is required."""
        schema = self._resolved(self._schemas[model, "validation"])
        required = schema.get("required", ())
        members = schema["properties"].items()
        return [(name, _without_null(each), name in required) for name, each in members]

    def _example(self, schema: Mapping[str, Any]) -> Any:
        if schema.get("type") == "array":
            return [self._example(schema["items"])]
        return self._resolved(schema)["examples"][0]

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = schema.get("$ref", "").removeprefix(_PREFIX)
        return self.components[name] if name else schema


def _without_null(schema: Schema) -> Schema:
    """Return the schema of a parameter that is there: in a query nothing is null."""
    kinds: list[Schema] = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: each for name, each in schema.items() if name != "anyOf" and each is not None}
    return kinds[0] | rest
