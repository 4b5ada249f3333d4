"""What the commands about orders have in common: errors in one sentence, JSON for programs."""

from collections.abc import Sequence
from typing import Any, Final

import click
from flask import current_app
from flask.cli import AppGroup, ScriptInfo
from sqlalchemy.exc import DBAPIError

from app.database import db
from app.orders.bulk import BulkPlacing
from app.orders.counters import NOBODY
from app.orders.errors import OrderError, UnavailableError
from app.orders.lifecycle import Hint
from app.orders.manual import ManualMoves
from app.orders.service import OrderService
from app.preflight import check_database
from app.schema import NOT_MIGRATED, is_migrated

_WHAT_TO_DO: Final = f"{NOT_MIGRATED}, `flask --app app db upgrade` does that"

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class OrdersGroup(AppGroup):
    """Commands that say in one sentence what is wrong with an order or with the database."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's
        """Return the names in the order they were given: the most used ones first."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for, in the application's context.

        Raises:
            ClickException: It could not do what it was asked to.

        """
        with ctx.ensure_object(ScriptInfo).load_app().app_context():
            try:
                return super().invoke(ctx)
            except UnavailableError as error:
                check_database(db.engine, current_app.config["SETTINGS"])
                raise click.ClickException(str(error)) from error
            except OrderError as error:
                raise click.ClickException(str(error)) from error
            except DBAPIError as error:
                check_database(db.engine, current_app.config["SETTINGS"])
                if is_migrated(db.engine):
                    raise
                raise click.ClickException(_WHAT_TO_DO) from error


def service() -> OrderService:
    """Return the use cases for a process that is no worker."""
    return OrderService(db.engine, worker_id=_nobody, enqueue=_leave_to_the_sweep)


def bulk() -> BulkPlacing:
    """Return the use case of placing many orders, for a process that is no worker."""
    return BulkPlacing(db.engine, worker_id=_nobody, enqueue=_leave_to_the_sweep)


def manual() -> ManualMoves:
    """Return the use cases of a person in charge, for a process that is no worker."""
    return ManualMoves(db.engine, worker_id=_nobody)


def _nobody() -> int:
    return NOBODY


def _leave_to_the_sweep(hints: Sequence[Hint]) -> None:
    """Tell nobody of new orders: the workers look into the table once a second."""
