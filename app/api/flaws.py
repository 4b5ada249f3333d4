"""What is wrong with a request, in this API's words instead of pydantic's."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import ValidationError

_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "should be there",
    "extra_forbidden": "should not be there: it is unknown",
    "model_type": "should be a JSON object",
    "list_type": "should be a list",
    "string_type": "should be a string",
    "string_unicode": "should be Unicode text",
    "int_type": "should be an integer",
    "bool_parsing": "should be true or false",
    "too_short": "should have items, {min_length} at least",
    "too_long": "should have {max_length} items at most",
    "string_too_short": "should have {min_length} characters at least",
    "string_too_long": "should have {max_length} characters at most",
    "string_pattern_mismatch": "should match {pattern}",
    "greater_than_equal": "should be {ge} or more",
    "less_than_equal": "should be {le} or less",
    "enum": "should be {expected}",
    "literal_error": "should be {expected}",
}
"""By pydantic's names for the errors; of any other its own words do."""


def flaws(error: ValidationError) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Yield the path to each value at fault and what is wrong with it."""
    for each in error.errors(include_url=False, include_input=False):
        ours = _SENTENCES.get(each["type"])
        yield each["loc"], ours.format_map(each.get("ctx", {})) if ours else each["msg"]
