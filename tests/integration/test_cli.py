"""The command line: what it prints, and with which status it ends."""

import socket

import pytest
from click.testing import Result
from flask import Flask

from app import create_app
from app.api_keys import find_key
from app.commands import orders
from app.settings import Settings


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=arguments)


def test_config_prints_every_setting_and_masks_the_password() -> None:
    app = create_app(Settings(database_url="mysql://orders:s3cret@db/orders", port=81))
    result = run(app, "config")
    lines = dict(line.split("=", 1) for line in result.output.splitlines())
    assert result.exit_code == 0
    assert set(lines) == {name.upper() for name in Settings.model_fields}
    assert lines["DATABASE_URL"] == "mysql+pymysql://orders:***@db/orders"
    assert lines["PORT"] == "81"


def test_key_makes_a_key_and_its_entry_for_the_settings() -> None:
    app = create_app(Settings())
    result = run(app, "key", "ada", "write")
    made, entry = (line.rpartition(" ")[2] for line in result.output.splitlines())
    (known,) = Settings(api_keys=entry).api_keys
    assert (result.exit_code, find_key([known], made), known.name) == (0, known, "ada")
    refused = run(app, "key", "a:b", "write")
    assert refused.exit_code == 2
    assert "Invalid value for NAME: should be 1 to 64 characters" in refused.output


def test_serve_ends_with_one_sentence_where_the_port_is_taken(settings: Settings) -> None:
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        result = run(create_app(settings.model_copy(update={"port": port})), "serve")
    assert result.exit_code == 1
    assert result.output.startswith("Error: HOST, PORT: ")
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(
    "command",
    [["--help"], ["orders", "--help"], *(["orders", name, "--help"] for name in orders.commands)],
)
def test_help_reads_well(command: list[str]) -> None:
    result = run(create_app(Settings()), *command)
    assert result.exit_code == 0
    assert all(len(line) <= 80 for line in result.output.splitlines())
