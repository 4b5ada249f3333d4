"""How a model comes by its example."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict


def shown_as(example: Mapping[str, Any]) -> ConfigDict:
    """Return the configuration of a model with this example."""
    return ConfigDict(json_schema_extra={"examples": [dict(example)]})
