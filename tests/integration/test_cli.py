"""The command line: what it prints, and with which status it ends."""

import json
import socket

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import Engine

from app import create_app
from app.api_keys import find_key
from app.clock import utc_now
from app.orders.lifecycle import OrderStatus
from app.settings import Settings
from tests.integration.moves import overwrite, place


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


def test_verify_is_content_where_counters_and_rows_agree(app: Flask, engine: Engine) -> None:
    place(engine)
    result = run(app, "orders", "verify")
    assert (result.exit_code, result.output) == (0, "The counters agree with the rows.\n")
    result = run(app, "orders", "verify", "--json")
    assert (result.exit_code, json.loads(result.output)) == (0, {"ok": True, "differences": []})


def test_verify_finds_a_planted_difference(app: Flask, engine: Engine) -> None:
    (placed,) = place(engine)
    overwrite(engine, placed.id, status=OrderStatus.CANCELLED, completed_at=utc_now())
    result = run(app, "orders", "verify")
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        "PENDING: the counters say 1, there are 0 rows",
        "CANCELLED: the counters say 0, there are 1 rows",
    ]
    result = run(app, "orders", "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "ok": False,
        "differences": [
            {"status": "PENDING", "counted": 1, "found": 0},
            {"status": "CANCELLED", "counted": 0, "found": 1},
        ],
    }


def test_key_makes_a_key_and_its_entry_for_the_settings() -> None:
    app = create_app(Settings())
    result = run(app, "key", "ada", "write")
    made, entry = (line.rpartition(" ")[2] for line in result.output.splitlines())
    (known,) = Settings(api_keys=entry).api_keys
    assert (result.exit_code, find_key([known], made), known.name) == (0, known, "ada")
    assert run(app, "key", "a:b", "write").exit_code == 2


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
    "command", [["--help"], ["orders", "--help"], ["orders", "verify", "--help"]]
)
def test_help_reads_well(command: list[str]) -> None:
    result = run(create_app(Settings()), *command)
    assert result.exit_code == 0
    assert all(len(line) <= 80 for line in result.output.splitlines())
