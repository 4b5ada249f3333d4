"""The service as people write it: an ORM insert and a COMMIT per request, two per order worked off.

As durable as the database's defaults are; an order that was queued when its process ended stays
PENDING for ever.
"""

import os
import queue
import threading
import uuid
from datetime import UTC, datetime

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, create_engine, func, select
from sqlalchemy.orm import Mapped, mapped_column

db = SQLAlchemy()


class Order(db.Model):
    """An order."""

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(db.String(64), unique=True)
    user_id: Mapped[str] = mapped_column(db.String(64), index=True)
    item_ids: Mapped[list[int]] = mapped_column(db.JSON)
    total_amount: Mapped[float] = mapped_column(db.Numeric(12, 2))
    status: Mapped[str] = mapped_column(db.String(10), index=True, default="PENDING")
    created_at: Mapped[datetime] = mapped_column(DateTime, default=lambda: datetime.now(UTC))
    started_at: Mapped[datetime | None] = mapped_column(DateTime)
    completed_at: Mapped[datetime | None] = mapped_column(DateTime)


def create_table(database_url: str) -> None:
    """Make the table, once, before any process serves."""
    engine = create_engine(database_url)
    db.metadata.create_all(engine)
    engine.dispose()


def create_app() -> Flask:
    """Return the application on DATABASE_URL; its thread works orders off from now on."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": int(os.environ["THREADS"]) + 2}
    db.init_app(app)
    waiting: queue.Queue[int] = queue.Queue()

    @app.post("/orders")
    def create_order() -> tuple[dict[str, object], int]:
        order = Order(order_id=str(uuid.uuid4()), **request.get_json())
        db.session.add(order)
        db.session.commit()
        waiting.put(order.id)
        return {"id": order.id, "order_id": order.order_id, "status": order.status}, 201

    @app.get("/metrics")
    def metrics() -> dict[str, int]:
        counted = select(func.count()).select_from(Order).where(Order.status == "COMPLETED")
        return {"processed_count": db.session.execute(counted).scalar_one()}

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ok"}

    threading.Thread(target=_work_off, args=(app, waiting), daemon=True).start()
    return app


def _work_off(app: Flask, waiting: "queue.Queue[int]") -> None:
    while True:
        row_id = waiting.get()
        with app.app_context():
            order = db.session.get_one(Order, row_id)
            order.status, order.started_at = "PROCESSING", datetime.now(UTC)
            db.session.commit()
            order.status, order.completed_at = "COMPLETED", datetime.now(UTC)
            db.session.commit()
