"""Every statement that moves an order. A transition is guarded by the fence it expects.

Nothing here commits: the use case owns the transaction. Rows are locked by primary key in
ascending order, or through an index with SKIP LOCKED, so that two workers never wait in a circle.
"""

from app.orders.store.adopting import ADOPTED_AT_ONCE, adopt
from app.orders.store.claiming import claim, due
from app.orders.store.manual import cancel, lock, lock_all, reopen
from app.orders.store.placing import place
from app.orders.store.pruning import ended, prune
from app.orders.store.recalling import recall
from app.orders.store.settling import settle
from app.orders.store.turning import settle_and_claim

__all__ = [
    "ADOPTED_AT_ONCE",
    "adopt",
    "cancel",
    "claim",
    "due",
    "ended",
    "lock",
    "lock_all",
    "place",
    "prune",
    "recall",
    "reopen",
    "settle",
    "settle_and_claim",
]
