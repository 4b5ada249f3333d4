"""What keeps the service from starting."""

import click


class ConfigurationError(click.ClickException):
    """Something in the environment makes no sense; the message names it.

    The command line shows it as one sentence and exits with status 1.
    """
