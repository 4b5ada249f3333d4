"""`flask --app app serve`, which `make run` calls: it says where it listens, or why it cannot."""

import os
import socket
from pathlib import Path

import pytest
import requests

from tests.processes import free_port, wait_until

SECONDS = 30
NOWHERE = free_port()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", f"mysql://me:s3cret@127.0.0.1:{NOWHERE}/orders"),
        ("DATABASE_URL", f"postgresql://me:s3cret@127.0.0.1:{NOWHERE}/orders"),
        ("DATABASE_URL", "sqlite:////dev/null/orders.db"),
        ("DATABASE_URL", "oracle://me:s3cret@127.0.0.1/orders"),
        ("PORT", "eighty"),
        ("THREADS", "0"),
        ("PROCESSING_SECONDS", "fast"),
        ("ORDER_HANDLER", "nowhere:nothing"),
    ],
)
def test_a_setting_that_cannot_work_is_named_in_one_sentence(
    tmp_path: Path, start_flask, variable: str, value: str
) -> None:
    environment = {"DATABASE_URL": f"sqlite:///{tmp_path}/orders.db", "PORT": free_port()}
    status, printed = start_flask("serve", **(environment | {variable: value})).finish()
    assert status == 1
    assert printed.startswith(f"Error: {variable}: ")
    assert printed.count("\n") == 1
    assert "s3cret" not in printed


def test_a_port_that_is_taken_is_named_in_one_sentence(tmp_path: Path, start_flask) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as occupant:
        port = occupant.getsockname()[1]
        status, printed = start_flask(
            "serve", DATABASE_URL=f"sqlite:///{tmp_path}/orders.db", PORT=port
        ).finish()
    assert status == 1
    assert printed == f"Error: HOST, PORT: cannot listen on 127.0.0.1:{port}: {os.strerror(98)}\n"


def test_a_service_that_serves_says_where_and_on_what_database(database_url, start_flask) -> None:
    port = free_port()
    serve = start_flask("serve", DATABASE_URL=database_url, PORT=port, PROCESSES=1)
    wait_until(lambda: "client.py" in serve.printed(), SECONDS, "banner")
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: requests.get(f"{url}/readyz", timeout=5).ok, SECONDS, "readiness")
    printed = serve.printed()
    assert f"Orders are taken in at {url}\n" in printed
    assert f"curl {url}/metrics\n" in printed
    assert f"They are kept in      {database_url.replace(':orders@', ':***@')}\n" in printed
    assert ":orders@" not in printed
