"""The routes whose views describe themselves."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask
from werkzeug.routing import Rule

from app.api.auth import needed_role
from app.api.openapi.operation import Operation, operation_of
from app.api_keys import Role

_ARGUMENT: Final = re.compile(r"<(?:[^:<>]*:)?([^<>]*)>")
_IMPLIED_METHODS: Final = {"HEAD", "OPTIONS"}
"""Flask adds them to every route."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path and a method with the view behind them."""

    path: str
    """As OpenAPI has it, with its parameters in braces."""
    method: str
    tag: str
    role: Role | None
    """What a key must be allowed, where there are keys; None for no key."""
    view: Callable[..., Any]
    operation: Operation

    @property
    def arguments(self) -> list[str]:
        """The names of the parameters in the path."""
        return re.findall(r"{(.*?)}", self.path)


def routes(app: Flask) -> Iterator[Route]:
    """Yield the app's routes whose views describe themselves, as they were added."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = operation_of(view)
        if operation is not None:
            for method in sorted((rule.methods or set()) - _IMPLIED_METHODS):
                yield Route(
                    path=path_of(rule),
                    method=method,
                    tag=rule.endpoint.partition(".")[0],
                    role=needed_role(rule.rule, method),
                    view=view,
                    operation=operation,
                )


def path_of(rule: Rule) -> str:
    """Return the rule's path as OpenAPI has it."""
    return _ARGUMENT.sub(r"{\1}", rule.rule)
