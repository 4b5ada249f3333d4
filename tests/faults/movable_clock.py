"""The time of day of a service, moved under it while its monotonic clock goes on."""

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")
OFFSET_BYTES = 8


class MovableClock:
    """The clock of every process that is started with its `settings`, true at first."""

    def __init__(self, directory: Path) -> None:
        """Build the library that the processes preload, with the compiler that built uWSGI."""
        self._offset = directory / "clock-offset"
        self._offset.write_bytes(bytes(OFFSET_BYTES))
        library = directory / "clock.so"
        compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "gcc"
        build = [*shlex.split(compiler), "-O2", "-shared", "-fPIC", SOURCE, "-o", library]
        subprocess.run(build, check=True)
        self.settings = {"LD_PRELOAD": library, "CLOCK_OFFSET": self._offset}

    def move(self, seconds: int) -> None:
        """Have it be off by so many seconds from now on, for all processes at once."""
        with self._offset.open("r+b") as file:  # in its place: they have it in their memory
            file.write(seconds.to_bytes(OFFSET_BYTES, sys.byteorder, signed=True))
