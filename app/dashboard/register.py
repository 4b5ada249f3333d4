"""Adding the dashboard to an application."""

from flask import Flask

from app.dashboard import actions, pages, signing_in
from app.dashboard.blueprint import blueprint
from app.dashboard.board import Board, attach_board

VIEWS = (pages, actions, signing_in)
"""The modules whose import has put their views on the blueprint."""


def register_dashboard(app: Flask, board: Board) -> None:
    """Have the app show this board at `/dashboard`."""
    attach_board(app, board)
    app.register_blueprint(blueprint)
