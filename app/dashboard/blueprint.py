"""The blueprint that all of the dashboard's views belong to."""

from flask import Blueprint

from app.dashboard.access import register_access
from app.dashboard.failures import register_failures
from app.dashboard.formats import register_formats
from app.dashboard.policy import register_policy

blueprint = Blueprint(
    "dashboard",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/dashboard/static",
)
register_access(blueprint)
register_formats(blueprint)
register_policy(blueprint)
register_failures(blueprint)
