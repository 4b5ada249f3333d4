"""The order-processing service."""

from flask import Flask

from app.api import bulk, docs, earlier, health, lists, metrics, orders
from app.api.auth import register_auth
from app.api.envelope import register_envelope
from app.api.express import register_express
from app.api.extension import attach_worker
from app.api.parameters import register_parameters
from app.api.problems import register_problems
from app.api.rate_limit import register_rate_limit
from app.dashboard.board import Board
from app.dashboard.register import register_dashboard
from app.database import db, engine_options, prepare_engine
from app.processing.worker import Worker
from app.settings import Settings


def create_app(settings: Settings | None = None, *, with_commands: bool = True) -> Flask:
    """Wire the service together; starts no thread and opens no connection.

    Args:
        settings: None reads them from the environment.
        with_commands: Add what `flask` can do; a worker starts faster without Alembic and tables.

    Raises:
        ConfigurationError: A setting makes no sense, or `ORDER_HANDLER` names no function.

    """
    settings = settings or Settings.load()
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # it would redirect, with a page of HTML
    app.config.update(
        SETTINGS=settings,
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.url, threads=settings.threads),
    )
    db.init_app(app)
    app.teardown_appcontext_funcs.clear()  # it ends db.session, which nothing uses: 15 us a request
    with app.app_context():
        engine = db.engine
    prepare_engine(engine)
    worker = Worker(engine, settings)
    attach_worker(app, worker)
    register_problems(app)
    register_express(app, settings)
    register_envelope(app)
    register_rate_limit(app, settings)  # before the keys are asked for: who guesses is slowed down
    register_auth(app, settings)
    register_parameters(app)
    for module in (orders, bulk, lists, earlier, metrics, health, docs):
        app.register_blueprint(module.blueprint)
    register_dashboard(app, _board(worker, settings))
    if with_commands:
        _register_commands(app)
    return app


def _register_commands(app: Flask) -> None:
    from app.commands import register_commands  # noqa: PLC0415 -- 0.1 of the 0.7 s of a start

    register_commands(app)


def _board(worker: Worker, settings: Settings) -> Board:
    return Board(
        worker.overview,
        worker.service,
        worker.manual,
        worker.selected,
        lease_seconds=settings.lease_seconds,
    )
