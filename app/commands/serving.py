"""Commands about the service itself: its settings, and running it."""

import sys
from typing import Final

import click
from flask import current_app
from flask.cli import with_appcontext

from app.api_keys import Role, make_key
from app.database import db
from app.migrating import migrate
from app.preflight import check_access, check_database, check_port
from app.settings import Settings
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


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
