"""`flask --app app serve`, which `make run` calls: it says where it listens, or why it cannot."""

import os
import socket
from pathlib import Path

import pytest
import requests

from app.api_keys import make_key
from tests.live import LiveService
from tests.processes import StartError, free_port, wait_until

SECONDS = 120
NOWHERE = 9  # a port that no server of today listens on


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
        ("API_KEYS", "ada:admin:s3cret"),
        ("ALLOW_ANONYMOUS", "perhaps"),
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


REFUSED = "Error: API_KEYS: there are none, and HOST 0.0.0.0 is not loopback"


def test_without_keys_the_network_is_not_served(tmp_path: Path, start_flask) -> None:
    status, printed = start_flask(
        "serve", HOST="0.0.0.0", DATABASE_URL=f"sqlite:///{tmp_path}/orders.db", PORT=free_port()
    ).finish()
    assert status == 1
    assert printed.startswith(REFUSED)
    assert printed.count("\n") == 1


def test_uwsgi_alone_does_not_serve_the_network_without_keys_either(database_url) -> None:
    service = LiveService(database_url, HOST="0.0.0.0")
    with pytest.raises(StartError, match="exit status 22") as refusal, service:
        pass
    assert REFUSED in str(refusal.value)
    assert "Traceback" not in str(refusal.value)


@pytest.mark.parametrize("processes", ["0", "abc", "-1", "1.5"])
def test_uwsgi_alone_refuses_what_is_no_number_of_processes(database_url, processes: str) -> None:
    service = LiveService(database_url, processes=processes)
    with pytest.raises(StartError, match="exit status 22") as refusal, service:
        pass
    assert "Error: PROCESSES: " in str(refusal.value)


@pytest.mark.parametrize(
    "variables", [{"ALLOW_ANONYMOUS": 1}, {"API_KEYS": make_key("ada", "read")[1]}]
)
def test_with_keys_or_told_to_it_serves_the_network(start_service, variables) -> None:
    service = start_service(processes=1, HOST="0.0.0.0", **variables)
    wait_until(service.ready, SECONDS, "readiness")


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
    wait_until(lambda: requests.get(f"{url}/readyz", timeout=60).ok, SECONDS, "readiness")
    printed = serve.printed()
    assert f"Orders are taken in at {url}\n" in printed
    assert f"curl {url}/metrics\n" in printed
    assert f"They are kept in      {database_url.replace(':orders@', ':***@')}\n" in printed
    assert ":orders@" not in printed
