"""Reading the options that describe an order or a list, by the rules of the API."""

from typing import TypeVar

import click
from pydantic import BaseModel, ValidationError

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
        wrong = error.errors(include_url=False, include_context=False, include_input=False)[0]
        option = f"--{wrong['loc'][0]}".replace("_", "-")
        raise click.BadParameter(wrong["msg"], param_hint=option) from None
