"""A handler module for test builds only: loading it in a worker makes the service worse.

KILL_POINTS arms points (see `points`): the next process to come by one dies, or stands still until
it gets a SIGCONT. PLANTED_BUG names a function of `planted_bugs`. HOST_NAME is the host the worker
takes itself to be on.
"""

import os
import signal
import socket
import threading

from app.orders import service
from app.orders.service import OrderService
from app.processing.handlers import Order
from app.processing.hints import HintQueue
from tests.faults import handler, planted_bugs
from tests.faults.points import reached


def handle(order: Order) -> None:
    """Do as the script says."""
    handler.handle(order)
    if reached("paused-in-handler"):
        # To this very thread: it would go on for a while if another had to take the signal.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    _die_at("in-handler")


def _die_at(point: str) -> None:
    if reached(point):
        os._exit(9)


def _set_kill_points() -> None:
    write, turn, offer = service.write_orders, OrderService.turn, HintQueue.offer

    def writing(connection, drafts, *, worker_id):
        ids = write(connection, drafts, worker_id=worker_id)
        _die_at("before-commit")
        return ids

    def offering(self, hints):
        _die_at("after-commit")
        offer(self, hints)

    def turning(self, endings, hints, **options):
        if endings:
            _die_at("before-ending")
        done = turn(self, endings, hints, **options)
        if endings:
            _die_at("after-ending")
        if done.claims:
            _die_at("after-claim")
        return done

    service.write_orders, OrderService.turn, HintQueue.offer = writing, turning, offering


_set_kill_points()
if "PLANTED_BUG" in os.environ:
    getattr(planted_bugs, os.environ["PLANTED_BUG"])()
if "HOST_NAME" in os.environ:
    socket.gethostname = lambda: os.environ["HOST_NAME"]
