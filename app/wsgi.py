"""What uWSGI loads in each worker: the one module whose import starts something."""

import atexit

from app import create_app
from app.api.extension import worker_of

app = create_app()
worker = worker_of(app)
worker.start()
atexit.register(worker.stop)
