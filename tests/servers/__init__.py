"""Throw-away database servers: started directly, on a directory and a port of their own."""

from tests.servers.base import DatabaseServer
from tests.servers.mariadb import MariaDB
from tests.servers.postgresql import PostgreSQL

__all__ = ["DatabaseServer", "MariaDB", "PostgreSQL"]
