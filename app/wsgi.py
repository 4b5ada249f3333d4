"""What uWSGI loads in each worker: the one module whose import starts something."""

import atexit
import gc
import signal
import sys
from typing import Final

gc.disable()  # nothing of what is loaded is garbage: looking for it took a seventh of a start

from app import create_app
from app.api.extension import worker_of
from app.cores import keep_to_one_core
from app.errors import ConfigurationError
from app.logs import configure_logs
from app.preflight import check_access
from app.processing.identity import own_identity
from app.settings import Settings

CANNOT_LOAD: Final = 22
"""The status at which uWSGI's master ends, too, instead of trying again for ever."""
GARBAGE: Final = 50_000
"""So many more objects than at the last collection bring the next one."""

# The master's word to stop is for the first thread: one of ours that took it would wait for itself
# for ever. A thread begins with the mask of the one that starts it.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
try:
    settings = Settings.load()
    check_access(settings)
    log = configure_logs(settings)
    app = create_app(settings, with_commands=False)
except ConfigurationError as error:
    error.show()
    sys.exit(CANNOT_LOAD)

# What is loaded stays. Collecting garbage with every 700 objects, and looking through all of this
# each time, took a fifth of the interpreter's time under load.
gc.freeze()
gc.set_threshold(GARBAGE)
gc.enable()

log.defer()
atexit.register(log.flush)
worker = worker_of(app)
worker.start()
atexit.register(worker.stop)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
# The threads of requests, which uWSGI starts now; handlers may use every core.
keep_to_one_core(own_identity().slot, workers=settings.processes)
