"""The ceiling: Flask answering a create without any work, under the service's own uwsgi.ini."""

import os

from flask import Flask

from app.cores import keep_to_one_core
from app.processing.identity import own_identity

slot = own_identity().slot
if slot:  # under uWSGI: as the service does
    keep_to_one_core(slot, workers=int(os.environ["PROCESSES"]))
app = Flask(__name__, static_folder=None)


@app.post("/orders")
def create_order() -> tuple[dict[str, str], int]:
    """Answer as if an order had been taken in."""
    return {"status": "PENDING"}, 201


@app.get("/readyz")
def ready() -> dict[str, str]:
    """Tell whoever starts it that it serves."""
    return {"status": "ok"}
