"""Reading the options that describe an order or a list, by the rules of the API."""

from typing import TypeVar

import click
from pydantic import BaseModel, ValidationError

from app.api.flaws import flaws

Read = TypeVar("Read", bound=BaseModel)


def read(model: type[Read], **options: object) -> Read:
    """Return what the options say; one that is None counts as absent.

    Raises:
        BadParameter: One of them is not what it should be.

    """
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        (name, *_), sentence = next(flaws(error))
        option = f"--{name}".replace("_", "-")
        raise click.BadParameter(sentence, param_hint=option) from None
