"""No request reads all of the table, however large it is."""

from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine, event, text, update

from app.orders import workers
from app.orders.lifecycle import OrderStatus
from app.orders.model import orders
from tests.builders import identity
from tests.filling import fill
from tests.integration.moves import adopt, in_transaction

COMPLETED = 99_000
PENDING = 1000
WORKED_ON = 8000
PATHS = (
    "/metrics",
    "/metrics/prometheus",
    "/orders",
    "/orders?limit=200&status=completed",
    "/orders?status=pending",
    "/orders?user_id=7",
    "/dashboard/state",
)


class Statements:
    """The statements an engine runs, with their parameters."""

    def __init__(self, engine: Engine) -> None:
        """Note them from now on."""
        self.engine = engine
        self.seen: list[tuple[str, Any]] = []
        event.listen(engine, "before_cursor_execute", self._note)

    def plans(self) -> list[tuple[str, list[Any]]]:
        """Return the plan of each statement on the table of orders."""
        explain = "EXPLAIN QUERY PLAN" if self.engine.dialect.name == "sqlite" else "EXPLAIN"
        on_orders = [(sql, values) for sql, values in self.seen if "FROM orders" in sql]
        with self.engine.connect() as connection:
            return [
                (sql, list(connection.exec_driver_sql(f"{explain} {sql}", values)))
                for sql, values in on_orders
            ]

    def _note(
        self, _connection: object, _cursor: object, sql: str, values: Any, *_: object
    ) -> None:
        self.seen.append((sql, values))


def scans(dialect: str, step: Any) -> bool:
    """Tell whether this step of a plan reads all of the table, or of an index."""
    match dialect:
        case "sqlite":
            return step.detail.startswith("SCAN orders")
        case "mysql":
            return (
                step.table == "orders"
                and step.type in {"ALL", "index"}
                and int(step.rows) > PENDING
            )
        case _:
            return "Seq Scan on orders" in step[0]


def analyze(engine: Engine) -> None:
    with engine.begin() as connection:
        mysql = engine.dialect.name == "mysql"
        connection.execute(text("ANALYZE TABLE orders" if mysql else "ANALYZE"))


def test_no_read_at_a_hundred_thousand_orders_goes_through_all_of_them(
    engine: Engine, client: FlaskClient
) -> None:
    fill(engine, pending=PENDING, completed=COMPLETED)
    analyze(engine)
    for path in PATHS:
        statements = Statements(engine)
        assert client.get(path).status_code == 200
        plans = statements.plans()
        assert plans, path
        for sql, plan in plans:
            assert not [step for step in plan if scans(engine.dialect.name, step)], (sql, plan)


def test_no_search_for_orphans_goes_through_all_orders_while_thousands_are_worked_on(
    engine: Engine,
) -> None:
    fill(engine, completed=COMPLETED)
    alive = in_transaction(engine, workers.register, identity())
    worked_on = {"status": OrderStatus.PROCESSING, "owner_id": alive, "completed_at": None}
    with engine.begin() as connection:
        connection.execute(update(orders).where(orders.c.id <= WORKED_ON).values(worked_on))
    analyze(engine)
    statements = Statements(engine)
    assert adopt(engine) == []
    ((sql, plan),) = statements.plans()
    assert not [step for step in plan if scans(engine.dialect.name, step)], (sql, plan)
