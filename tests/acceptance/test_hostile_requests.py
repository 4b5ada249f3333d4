"""What no client sends by mistake gets an answer, and costs no worker its life."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.databases import SQLiteFile
from tests.live import LiveService

SECONDS = 30
# What uWSGI or Werkzeug makes something of by itself, besides what the service reads.
HEADERS = (
    *("Accept", "Accept-Encoding", "Authorization", "Content-Type", "Cookie", "Expect"),
    *("Forwarded", "Host", "HTTPS", "If-Match", "If-Modified-Since", "If-None-Match"),
    *("Idempotency-Key", "Origin", "Range", "Referer", "Remote-User", "Sec-Fetch-Site"),
    *("Upgrade", "User-Agent", "UWSGI_SCHEME", "X-API-Key", "X-Forwarded-For"),
    *("X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-SSL", "X-Forwarded-URI"),
    *("X_Forwarded_Proto", "X-Request-Id"),
)
VALUES = (b"\xff", b"\x80" * 100, b"[", b"http://[", b"%ff", b"=;,=")
PATHS = (b"/healthz", b"/orders", b"/dashboard", b"/docs")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    database = SQLiteFile(tmp_path_factory.mktemp("hostile"))
    with LiveService(database.fresh(), processes=1) as service:
        yield service


def status_of(service: LiveService, request: bytes) -> int:
    """Return the status of what these bytes are answered with; 0 if there is no answer."""
    address = ("127.0.0.1", int(urlsplit(service.url).port or 0))
    with socket.create_connection(address, SECONDS) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as answer:
            line = answer.readline()
    return int(line.split()[1]) if line else 0


def get(target: bytes, header: bytes = b"") -> bytes:
    return b"GET %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n\r\n" % (target, header)


@pytest.mark.parametrize(
    "target",
    [
        *(b"/orders?user_id=\xff", b"/orders?\xe9=1", b"/orders/x?wait=\xff", b"/metrics?\xff"),
        *(b"/dashboard?\xff=1", b"/dashboard/state?status=\xff", b"/healthz?\x80"),
    ],
)
def test_a_query_string_that_cannot_be_read_is_refused(service: LiveService, target: bytes) -> None:
    assert status_of(service, get(target)) == 400


@pytest.mark.parametrize("path", PATHS)
def test_no_header_kills_a_worker_or_is_taken_for_a_bug(service: LiveService, path: bytes) -> None:
    before = service.worker_pids()
    statuses = {
        (name, value): status_of(service, get(path, b"%s: %s\r\n" % (name.encode(), value)))
        for name in HEADERS
        for value in VALUES
    }
    assert {what: status for what, status in statuses.items() if not 200 <= status < 500} == {}
    assert service.worker_pids() == before
