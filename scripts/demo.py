"""`make demo`: serves a database of its own, loads it for a minute, and says where to look."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
INSTANCE = PROJECT / "instance"
HOST, PORT = "127.0.0.1", os.environ.get("PORT", "8000")
URL = f"http://{HOST}:{PORT}"
ORDERS_PER_SECOND, SECONDS = 200, 60
# Nothing else of the environment: it may be meant for another database than the demo's.
SERVICE_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOST": HOST,
    "PORT": PORT,
    "DATABASE_URL": f"sqlite:///{INSTANCE}/demo.db",
    "PROCESSING_SECONDS": "0-0.01",  # what two workers keep up with, but not idly
}
BANNER = f"""\
Look at               {URL}/dashboard
or from a terminal    curl {URL}/metrics
The service logs into instance/demo.log. Here comes a minute of {ORDERS_PER_SECOND} orders a
second, then the demo stops by itself; Ctrl-C stops it sooner. Its report goes
into instance/demo.html, too.
"""


def main() -> int:
    """Run the demo; returns the client's exit status, 1 if there is nothing to load."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    INSTANCE.mkdir(exist_ok=True)
    log = INSTANCE / "demo.log"
    if not (PORT.isdecimal() and 0 < int(PORT) < 65536):
        print(f"PORT should be a number from 1 to 65535, not {PORT!r}")
        return 1
    try:
        socket.create_server((HOST, int(PORT))).close()
    except OSError as error:
        reason = os.strerror(error.errno)
        print(f"cannot listen on {HOST}:{PORT}: {reason}; try PORT=8001 make demo")
        return 1
    with log.open("wb") as output:
        service = start(
            "-m", "flask", "--app", "app", "serve",
            env=SERVICE_ENVIRONMENT, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        if not gets_ready(service):
            print(f"the service did not start:\n{log.read_text()}")
            return 1
        print(BANNER, flush=True)  # before what the client says
        return load()
    except KeyboardInterrupt:
        return 130
    finally:
        service.terminate()
        service.wait()


def load() -> int:
    """Run the client to its end, which Ctrl-C brings about sooner; returns its exit status."""
    client = start(
        "client.py", f"--url={URL}", f"--rate={ORDERS_PER_SECOND}", f"--duration={SECONDS}",
        f"--html={INSTANCE}/demo.html",
    )  # fmt: skip
    try:
        return client.wait()
    except KeyboardInterrupt:
        client.send_signal(signal.SIGINT)
        return client.wait()


def start(*arguments: str, **options: object) -> subprocess.Popen[bytes]:
    """Start Python in a session of its own: a terminal's Ctrl-C is for us to pass on, once."""
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=PROJECT, start_new_session=True, **options)


def gets_ready(service: subprocess.Popen[bytes]) -> bool:
    """Return whether the service takes orders, once it does or has ended."""
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # a proxy is for others
    while service.poll() is None:
        try:
            ask(f"{URL}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
