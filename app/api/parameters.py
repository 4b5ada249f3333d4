"""Reading a query string strictly: every parameter known, and there only once."""

from collections.abc import Sequence
from typing import Final, TypeVar

from flask import Flask, Request, request
from pydantic import BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from app.api.flaws import flaws
from app.api.problems import MAX_ERRORS, BadRequestError
from app.api.strict_json import MAX_STEP_LENGTH

MAX_DIGITS: Final = 9
Parameters = TypeVar("Parameters", bound=BaseModel)


def _whole_number(value: object) -> int:
    """Read digits and nothing else; pydantic would take ` 1_0` for ten."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise PydanticCustomError("whole_number", "should be a whole number")
    return int(text)


WHOLE_NUMBER: Final = BeforeValidator(_whole_number)
"""Reads a number as it stands in a query; comes last, for the document to see the bounds."""


def register_parameters(app: Flask) -> None:
    """Have the app refuse every query string that cannot be read, before anybody tries."""
    app.before_request(_check_encoding)


def _check_encoding() -> None:
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        sentence = "the query string should be percent-encoded UTF-8"
        raise BadRequestError("invalid_parameter", sentence) from None


def read_parameters(request: Request, model: type[Parameters]) -> Parameters:
    """Return the request's query parameters; one without a value counts as absent.

    Raises:
        BadRequestError: One is unknown, there twice, or not what it should be.

    """
    known = {field.alias or name for name, field in model.model_fields.items()}
    given = {
        name: values for name, values in request.args.lists() if any(values) or name not in known
    }
    twice = [(name, "should be there only once") for name in given if len(given[name]) > 1]
    if twice:
        raise bad_parameters(twice)
    try:
        return model.model_validate({name: value for name, (value,) in given.items()})
    except ValidationError as error:
        wrong = [(str(path[0]), sentence) for path, sentence in flaws(error)]
        raise bad_parameters(wrong) from None


def bad_parameters(wrong: Sequence[tuple[str, str]]) -> BadRequestError:
    """Return the error that names these parameters, each with what is wrong with it."""
    named = [
        {"parameter": name[:MAX_STEP_LENGTH], "detail": detail}
        for name, detail in wrong[:MAX_ERRORS]
    ]
    first = "{parameter}: {detail}".format(**named[0])
    return BadRequestError("invalid_parameter", first, named)
