"""What is looked at before the service starts, so that it fails at once and says why."""

import ipaddress
import socket
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.errors import ConfigurationError
from app.orders.errors import UnavailableError
from app.settings import Settings

SPARE_CONNECTIONS: Final = 5
"""Left for whoever looks after the database."""
_MAX_CONNECTIONS: Final = {
    "mysql": text("SELECT @@max_connections"),
    "postgresql": text("SELECT current_setting('max_connections')"),
}


def check_access(settings: Settings) -> None:
    """Make sure that nobody serves the whole network without meaning to.

    Raises:
        ConfigurationError: No key is needed, and the host is not this machine alone.

    """
    if not (settings.api_keys or settings.allow_anonymous or _is_loopback(settings.host)):
        raise ConfigurationError(
            f"API_KEYS: there are none, and HOST {settings.host} is not loopback; set them, or "
            "ALLOW_ANONYMOUS=1 to let in whoever reaches the port"
        )


def check_port(host: str, port: int) -> None:
    """Make sure that the service can listen there.

    Raises:
        ConfigurationError: Somebody else does, or the host is none of this machine's.

    """
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"HOST, PORT: cannot listen on {host}:{port}: {reason}"
            ) from None


def check_database(engine: Engine, settings: Settings) -> None:
    """Make sure that the database answers, keeps what it commits, and has room for the workers.

    Raises:
        ConfigurationError: It does not.

    """
    try:
        if engine.url.database and engine.dialect.name == "sqlite":
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        with engine.connect() as connection:
            if engine.dialect.name != "sqlite":
                _check_room(connection, settings)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise ConfigurationError(f"DATABASE_URL: cannot use {settings.url}: {reason}") from None
    except UnavailableError as error:
        raise ConfigurationError(f"DATABASE_URL: {error}") from None
    except TypeError as error:  # the driver knows no such parameter
        raise ConfigurationError(f"DATABASE_URL: cannot use {settings.url}: {error}") from None
    except DBAPIError as error:
        # PyMySQL's errors are a number and a sentence, the others' a text.
        reason = str(error.orig.args[-1] if error.orig else error).strip().splitlines()[0]
        raise ConfigurationError(f"DATABASE_URL: cannot use {settings.url}: {reason}") from None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_room(connection: Connection, settings: Settings) -> None:
    offered = int(connection.execute(_MAX_CONNECTIONS[connection.dialect.name]).scalar() or 0)
    needed = settings.processes * (settings.threads + 2) + SPARE_CONNECTIONS
    if offered < needed:
        raise ConfigurationError(
            f"DATABASE_URL: the server allows {offered} connections; {settings.processes} "
            f"workers of {settings.threads} threads may need {needed}"
        )
