"""A throw-away MariaDB server."""

import signal
from contextlib import suppress
from typing import Any

import pymysql

from tests.servers.base import PASSWORD, REVISION_TABLE, USER, DatabaseServer, program_path


class MariaDB(DatabaseServer):
    """MariaDB as Debian configures it, durable at every commit."""

    name = "mariadb"
    programs = ("mariadbd", "mariadb-install-db")
    refusals = (pymysql.OperationalError,)
    stop_signal = signal.SIGTERM

    def url(self, database: str) -> str:
        return f"mysql+pymysql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_database(self, database: str) -> None:
        self.administer(f"CREATE DATABASE `{database}`")
        self.administer(f"GRANT ALL ON `{database}`.* TO {USER}")

    def empty_database(self, database: str) -> None:
        self._disconnect_from(database)
        for (table,) in self.administer(
            "SELECT table_name FROM information_schema.tables"
            f" WHERE table_schema = '{database}' AND table_name <> '{REVISION_TABLE}'"
        ):
            self.administer(f"TRUNCATE `{database}`.`{table}`")

    def drop_database(self, database: str) -> None:
        self._disconnect_from(database)
        self.administer(f"DROP DATABASE `{database}`")

    def administer(self, statement: str, database: str | None = None) -> list[tuple[Any, ...]]:
        with (
            pymysql.connect(
                host="127.0.0.1",
                port=self.port,
                user="root",
                database=database,
                connect_timeout=self.patience_seconds,
                read_timeout=self.patience_seconds,  # the default is to wait for ever
                autocommit=True,
                ssl_disabled=True,  # setting TLS up would take 20 ms a statement
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return list(cursor.fetchall())

    def _disconnect_from(self, database: str) -> None:
        for (connection,) in self.administer(
            f"SELECT id FROM information_schema.processlist WHERE db = '{database}'"
        ):
            with suppress(pymysql.OperationalError):  # it left by itself
                self.administer(f"KILL {connection}")

    def _initialisation(self) -> list[str]:
        return [
            program_path("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self.directory}",  # in /tmp every server removes what the others keep there
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]

    def _command(self) -> list[str]:
        return [
            program_path("mariadbd"),
            "--no-defaults",
            f"--datadir={self.data}",
            f"--tmpdir={self.directory}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self.directory / 'socket'}",
            f"--pid-file={self.directory / 'pid'}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_general_ci",
            "--innodb-buffer-pool-size=256M",
            "--innodb-flush-log-at-trx-commit=1",
            "--max-connections=500",
        ]

    def _create_user(self) -> None:
        self.administer(f"CREATE USER {USER} IDENTIFIED BY '{PASSWORD}'")
