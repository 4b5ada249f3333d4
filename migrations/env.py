"""How Alembic runs the revisions: on a connection without the service's time limits."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine

from app.database import db
from app.preflight import check_database

check_database(db.engine, current_app.config["SETTINGS"])
engine = create_engine(current_app.config["SQLALCHEMY_DATABASE_URI"])

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=db.metadata)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
