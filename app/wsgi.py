"""What uWSGI loads in each worker: the one module whose import starts something."""

import atexit
import sys
from typing import Final

from app import create_app
from app.api.extension import worker_of
from app.errors import ConfigurationError
from app.preflight import check_access
from app.settings import Settings

CANNOT_LOAD: Final = 22
"""The status at which uWSGI's master ends, too, instead of trying again for ever."""

try:
    settings = Settings.load()
    check_access(settings)
    app = create_app(settings)
except ConfigurationError as error:
    error.show()
    sys.exit(CANNOT_LOAD)

worker = worker_of(app)
worker.start()
atexit.register(worker.stop)
