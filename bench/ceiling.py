"""P1: the service against Flask without work, and against the service as people write it."""

from collections.abc import Iterator

from bench.figures import Figure
from bench.saturation import CONNECTIONS, WARM_UP_SECONDS, Saturation, measure
from bench.subjects import Databases, Subject, as_people_write_it, noop, service

GOAL = {"mariadb": 0.70, "sqlite": 0.40}
AT_LEAST = {"mariadb": 0.55}
TIMES_NAIVE = 5
ROUNDS = 3
NAIVE_ROUNDS = 2
SECONDS = 4.0

Pair = tuple[Saturation, Saturation]


def figures(databases: Databases) -> Iterator[Figure]:
    """Yield how near the service comes to the ceiling, and how far it leaves the usual behind."""
    kind = databases.kind
    with noop() as ceiling, service(databases.create("ceiling")) as ours:
        pairs = list(turns(ceiling, ours, databases, seconds=SECONDS, rounds=ROUNDS))
        naive = list(_naive_turns(ours, databases))
    ratios = [ours.durable_per_second / most.accepted_per_second for most, ours in pairs]
    for what, bound in (("", GOAL.get(kind)), (", at the least", AT_LEAST.get(kind))):
        if bound is not None:
            yield Figure(
                target="P1",
                what=f"orders accepted and completed / Flask's no-op{what}",
                database=kind,
                rounds=ratios,
                at_least=bound,
                details=_details("no-op", pairs),
            )
    yield Figure(
        target="P1",
        what="orders accepted and completed / accepted by the service as people write it",
        database=kind,
        rounds=[ours.durable_per_second / peer.accepted_per_second for peer, ours in naive],
        at_least=TIMES_NAIVE,
        details=_details("as people write it", naive),
    )


def turns(
    ceiling: Subject,
    ours: Subject,
    databases: Databases,
    *,
    seconds: float,
    rounds: int,
    connections: int = CONNECTIONS,
) -> Iterator[Pair]:
    """Saturate the no-op and the service in turns, once more than that to warm up."""
    for number in range(rounds + 1):
        options = {"seconds": seconds if number else WARM_UP_SECONDS, "connections": connections}
        most = measure(ceiling, databases, works_off=False, **options)
        reached = measure(ours, databases, **options)
        if number:
            yield most, reached


def _naive_turns(ours: Subject, databases: Databases) -> Iterator[Pair]:
    """Saturate the naive service and ours in turns; its backlog would last, so it starts anew."""
    for number in range(NAIVE_ROUNDS):
        with as_people_write_it(databases.create(f"naive{number}")) as naive:
            measure(naive, databases, seconds=WARM_UP_SECONDS, drains=False)
            peer = measure(naive, databases, seconds=SECONDS, drains=False)
        yield peer, measure(ours, databases, seconds=SECONDS)


def _details(peer: str, pairs: list[Pair]) -> dict[str, object]:
    return {
        peer: [pair[0].details() for pair in pairs],
        "service": [pair[1].details() for pair in pairs],
    }
