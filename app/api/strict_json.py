"""Reading a body strictly: one JSON object, every member once, numbers that mean what they say."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple, NoReturn

_TWICE: Final = "should be there only once"
MAX_STEP_LENGTH: Final = 64
"""Characters of a name that are shown; none of ours is longer."""


class MalformedBodyError(Exception):
    """The body is not the JSON object it should be.

    Args:
        detail: What is wrong with the member, or with the body, which is the subject.
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
            that JSON does not have (NaN), that hides its size (an exponent) or has thousands of
            digits.

    """
    try:
        value = _decode(body.decode())
    except UnicodeDecodeError:
        raise MalformedBodyError("should be JSON in UTF-8") from None
    except RecursionError:
        raise MalformedBodyError("should not be nested so deeply") from None
    except json.JSONDecodeError as error:
        what, where = error.msg.removesuffix(" at"), f"line {error.lineno}, column {error.colno}"
        raise MalformedBodyError(f"is not JSON: {what} at {where}") from None
    if not isinstance(value, dict):
        raise MalformedBodyError("should be a JSON object")
    return value


class _Flaw(NamedTuple):
    """Stands for a value that is not as it should be."""

    detail: str


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError(_TWICE)
    return found


def _exact(number: str) -> Decimal:
    if "e" in number or "E" in number:
        raise ValueError(f"should have no exponent, unlike {number[:40]}")
    return Decimal(number)


def _whole(number: str) -> int:
    try:
        return int(number)
    except ValueError:  # thousands of digits
        raise ValueError("should be a shorter number") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"should not be {constant}, which JSON has not got")


def _decode(text: str) -> Any:
    try:
        return _strict.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # of ours: read it again for where that is, which takes twice the time
        raise next(_errors(_forgiving.decode(text))) from None


def _errors(value: object, *path: object) -> Iterator[MalformedBodyError]:
    """Yield an error for each flaw in the value, in the order of the text."""
    if isinstance(value, _Flaw):
        yield MalformedBodyError(value.detail, pointer(*path))
        return
    steps: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, each in steps:
        if isinstance(each, (dict, list, _Flaw)):
            yield from _errors(each, *path, step)


def _mark_twice(members: list[tuple[str, Any]]) -> dict[str, Any]:
    times = Counter(name for name, _ in members)
    return dict(members) | {name: _Flaw(_TWICE) for name in times if times[name] > 1}


def _marking(read: Callable[[str], object]) -> Callable[[str], object]:
    """Return what reads a number, or a flaw for one that it refuses."""

    def mark(number: str) -> object:
        try:
            return read(number)
        except ValueError as error:
            return _Flaw(str(error))

    return mark


def pointer(*path: object) -> str:
    """Return the JSON pointer for this path of names and indexes.

    Overlong names are cut short, and a lone surrogate, which no answer may have, is a `?`.
    """
    steps = (str(step)[:MAX_STEP_LENGTH].encode(errors="replace").decode() for step in path)
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)


_strict = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_exact, parse_constant=_refuse)
_forgiving = json.JSONDecoder(
    object_pairs_hook=_mark_twice,
    parse_float=_marking(_exact),
    parse_int=_marking(_whole),
    parse_constant=_marking(_refuse),
)
