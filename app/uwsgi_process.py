"""uWSGI as a child in a process group of its own.

Ctrl-C in a terminal goes to the whole foreground group. uWSGI's workers would take it as an order
to die at once, in the middle of their requests; so only its master is told, and in its own way.
"""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from app.settings import PROJECT

STOP_SECONDS: Final = 30
"""A drain that takes longer is cut short: the rows are the truth, and survive that."""
_PR_SET_PDEATHSIG: Final = 1
_libc: Final = ctypes.CDLL(None)


def run_uwsgi(banner: str) -> int:
    """Serve until SIGINT or SIGTERM, which drain; return uWSGI's exit status.

    Args:
        banner: Printed by the first worker once it serves; above uWSGI's own lines nobody would
            see it.

    """
    uwsgi = Path(sys.executable).with_name("uwsgi")
    command = [str(uwsgi), "--ini", "uwsgi.ini", "--hook-accepting1-once", "exec:printenv BANNER"]
    child = subprocess.Popen(  # noqa: S603 -- our own uWSGI
        command,
        cwd=PROJECT,
        env=os.environ | {"BANNER": banner},
        process_group=0,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 -- no thread runs here that it could trip over
    )

    def stop(_signal: int, _frame: object) -> None:
        child.send_signal(signal.SIGTERM)
        signal.alarm(STOP_SECONDS)

    def kill(_signal: int, _frame: object) -> None:
        os.killpg(child.pid, signal.SIGKILL)

    signal.signal(signal.SIGALRM, kill)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return child.wait()


def _end_with_parent() -> None:
    """Have the kernel drain uWSGI if the command that started it is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
