"""Database URLs: which are taken, and the driver each gets."""

from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS: Final = {
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
}
_SECRET_PARAMETERS: Final = {"password", "passwd", "sslpassword"}


def with_our_driver(value: str) -> str:
    """Return the URL with the driver that is installed, the path of an SQLite file absolute.

    Raises:
        ValueError: It names no database that the service can use, or shows a password.

    """
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):  # the latter shows what it took for a port: a password
        raise ValueError("should be a URL such as mysql://user:password@host/name") from None
    if url.drivername not in _DRIVERS:
        raise ValueError(f"should begin with one of {', '.join(sorted(_DRIVERS))}")
    if "@" in (url.host or ""):
        raise ValueError("should have an @ of the user's name or password written as %40")
    if url.query.keys() & _SECRET_PARAMETERS:
        raise ValueError("should have the password before the host, where it is masked")
    if url.drivername == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise ValueError("should name a file: the workers share it")
        url = url.set(database=str(Path(url.database or "").absolute()))
    elif not url.database:
        raise ValueError("should name a database after the host")
    return url.set(drivername=_DRIVERS[url.drivername]).render_as_string(hide_password=False)
