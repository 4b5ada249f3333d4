"""The cases by name, in the order of the table."""

from tests.faults.cases import (
    clients,
    clock,
    connections,
    everything,
    handlers,
    network,
    servers,
    stopping,
    storage,
    workers,
)
from tests.faults.cases.case import Case

_MODULES = (
    workers,
    handlers,
    servers,
    connections,
    network,
    storage,
    clock,
    stopping,
    clients,
    everything,
)
_FOUND = [case for module in _MODULES for case in vars(module).values() if isinstance(case, Case)]
CASES: dict[str, Case] = {
    case.name: case for case in sorted(_FOUND, key=lambda case: int(case.name[1:]))
}
