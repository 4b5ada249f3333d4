"""A throw-away PostgreSQL server."""

import signal
from typing import Any

import psycopg

from tests.servers.base import PASSWORD, REVISION_TABLE, USER, DatabaseServer, program_path


class PostgreSQL(DatabaseServer):
    """PostgreSQL with its defaults, durable at every commit."""

    name = "postgresql"
    programs = ("initdb", "postgres")
    refusals = (psycopg.OperationalError,)
    stop_signal = signal.SIGINT  # "fast": SIGTERM would wait for the clients to leave

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self, database: str) -> None:
        self.administer(f'CREATE DATABASE "{database}" OWNER {USER}')

    def empty_database(self, database: str) -> None:
        self.administer(  # an idle one holds no lock, and to await its end takes 0.1 s
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND state <> 'idle'"
        )
        tables = self.administer(
            "SELECT quote_ident(tablename) FROM pg_tables"
            f" WHERE schemaname = 'public' AND tablename <> '{REVISION_TABLE}'",
            database,
        )
        if tables:
            names = ", ".join(name for (name,) in tables)
            self.administer(f"TRUNCATE {names} RESTART IDENTITY", database)

    def drop_database(self, database: str) -> None:
        self.administer(f'DROP DATABASE "{database}" WITH (FORCE)')

    def administer(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            dbname=database or "postgres",
            connect_timeout=self.patience_seconds,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _initialisation(self) -> list[str]:
        return [
            program_path("initdb"),
            f"--pgdata={self.data}",
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]

    def _command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.directory,
            "dynamic_shared_memory_type": "mmap",  # files in the data directory, not in /dev/shm
            "fsync": "on",
            "max_connections": 300,
        }
        return [
            program_path("postgres"),
            "-D",
            str(self.data),
            *(f"--{name}={value}" for name, value in settings.items()),
        ]

    def _create_user(self) -> None:
        self.administer(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
