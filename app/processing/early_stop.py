"""A stop that is asked for while the worker is still starting.

uWSGI installs its handler of SIGHUP, by which the master asks a worker to drain, only after the
application is loaded; a SIGHUP that comes earlier is lost, and the master waits for ever.
"""

import os
import signal
import socket
import threading
import time
from typing import Final

AGAIN_SECONDS: Final = 0.5


def remember_early_stop() -> None:
    """Catch SIGHUP until uWSGI does, and send it again from then on."""
    caught, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno())  # written to at once, whatever the main thread does
    signal.signal(signal.SIGHUP, lambda _signal, _frame: None)
    arguments = (caught, wakes)
    threading.Thread(target=_send_again, args=arguments, name="early stop", daemon=True).start()


def _send_again(caught: socket.socket, _kept_open: socket.socket) -> None:
    while caught.recv(1) != bytes([signal.SIGHUP]):
        pass
    while True:
        time.sleep(AGAIN_SECONDS)
        os.kill(os.getpid(), signal.SIGHUP)
