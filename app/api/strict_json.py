"""Reading a body strictly: one JSON object, every member once, numbers that mean what they say."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any, Final, NoReturn

MAX_STEP_LENGTH: Final = 64
"""Characters of a name that are shown; none of ours is longer."""


class MalformedBodyError(Exception):
    """The body is not the JSON object it should be.

    Args:
        detail: One sentence.
        pointer: The member at fault, as a JSON pointer (RFC 6901); empty for the whole body.

    """

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


def read_object(body: bytes) -> dict[str, Any]:
    """Return the object in the body; fractions become exact decimals.

    Raises:
        MalformedBodyError: It is no JSON object in UTF-8, or has a member twice, or a number
            that JSON does not have (NaN) or that hides its size (an exponent).

    """
    try:
        value = _decoder.decode(body.decode())
    except UnicodeDecodeError:
        raise MalformedBodyError("the body should be JSON in UTF-8") from None
    except RecursionError:
        raise MalformedBodyError("the body is nested too deeply") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedBodyError(f"the body is not JSON: {error.msg} at {where}") from None
    except ValueError:  # an integer of thousands of digits
        raise MalformedBodyError("the body has a number that is too long") from None
    if not isinstance(value, dict):
        raise MalformedBodyError("the body should be a JSON object")
    return value


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        times = Counter(name for name, _ in members)
        twice = next(name for name in times if times[name] > 1)
        raise MalformedBodyError("should be there only once", pointer(twice))
    return found


def _exact(number: str) -> Decimal:
    if "e" in number or "E" in number:
        raise MalformedBodyError(f"numbers should have no exponent, unlike {number[:40]}")
    return Decimal(number)


def _refuse(constant: str) -> NoReturn:
    raise MalformedBodyError(f"{constant} is not JSON")


def pointer(*path: object) -> str:
    """Return the JSON pointer for this path of names and indexes.

    Overlong names are cut short, and a lone surrogate, which no answer may have, is a `?`.
    """
    steps = (str(step)[:MAX_STEP_LENGTH].encode(errors="replace").decode() for step in path)
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


_decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_exact, parse_constant=_refuse)
