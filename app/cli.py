"""The command line: `flask --app app ...`."""

import json
import sys
from typing import Final

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext

from app.api_keys import Role, make_key
from app.database import db
from app.orders.audit import audit
from app.preflight import check_access, check_database, check_port
from app.schema import migrate
from app.settings import Settings
from app.transactions import run_transaction
from app.uwsgi_process import run_uwsgi

_BANNER: Final = """\
Orders are taken in at http://{host}:{port}
They are kept in      {database}
{processes} workers of {threads} threads; Ctrl-C stops. Try in another terminal:

  curl -X POST http://{host}:{port}/create_order -H 'Content-Type: application/json' \\
       -d '{{"user_id": 1, "item_ids": [1, 2, 3], "total_amount": 59.99}}'
  curl http://{host}:{port}/metrics
  python3 client.py --num_requests=100 --url http://{host}:{port}
"""

orders = AppGroup("orders", help="Look after the orders.")


@click.command()
@with_appcontext
def config() -> None:
    """Print the effective settings, secrets masked."""
    for name, value in _settings().masked().items():
        click.echo(f"{name}={value}")


@click.command()
@click.argument("name")
@click.argument("role", type=click.Choice([str(role) for role in Role]))
def key(name: str, role: str) -> None:
    """Make an API key; only its hash goes into API_KEYS."""
    try:
        made, entry = make_key(name, role)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    click.echo(f"The key, shown only this once: {made}")
    click.echo(f"Its entry for API_KEYS:        {entry}")


@click.command()
@with_appcontext
def serve() -> None:
    """Check access, port and database, migrate, and serve through uWSGI."""
    settings = _settings()
    check_access(settings)
    check_port(settings.host, settings.port)
    check_database(db.engine, settings)
    migrate(db.engine)
    db.engine.dispose()
    shown = settings.model_dump(include={"host", "port", "processes", "threads"})
    banner = _BANNER.format(**shown, database=settings.url)
    sys.exit(run_uwsgi(banner))


@orders.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def verify(*, as_json: bool) -> None:
    """Recount the orders and compare with the counters; exit status 1 if they differ."""
    differences = run_transaction(db.engine, audit, read_only=True)
    if as_json:
        document = [
            {"status": each.status, "counted": each.counted, "found": each.found}
            for each in differences
        ]
        click.echo(json.dumps({"ok": not differences, "differences": document}))
    for each in differences if not as_json else ():
        click.echo(f"{each.status}: the counters say {each.counted}, there are {each.found} rows")
    if not differences and not as_json:
        click.echo("The counters agree with the rows.")
    sys.exit(1 if differences else 0)


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
