"""What schemathesis needs to be told beyond schemathesis.toml, which names this file."""

from typing import Any, Final

import schemathesis

from app.api.bulk_request import MAX_ENTRIES

FEW: Final = 100


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """Write whole numbers as integers: 1.0 is one to JSON Schema, but to no field of ours.

    And populate with fewer orders: a hundred thousand at a time would keep the service busy.
    """
    body = _whole(body)
    match body:
        case {"total_entries": int(wanted)} if FEW < wanted <= MAX_ENTRIES:
            return body | {"total_entries": FEW}
    return body


def _whole(value: Any) -> Any:
    match value:
        case dict():
            return {name: _whole(each) for name, each in value.items()}
        case list():
            return [_whole(each) for each in value]
        case float() if value.is_integer():
            return int(value)
    return value
