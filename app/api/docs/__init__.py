"""The description of this API, for programs and for people; it needs no network."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, current_app, send_file
from pydantic import BaseModel
from werkzeug.exceptions import NotFound

from app.api.openapi.document import build_document
from app.api.openapi.examples import shown_as
from app.api.openapi.operation import Answer, operation

blueprint = Blueprint("docs", __name__)

_NAME: Final = "openapi_document"
_OURS: Final = Path(__file__).parent
_SWAGGER_UI: Final = Path(str(files("flask_swagger_ui"))) / "dist"
_FILES: Final = {
    "initializer.js": _OURS,
    "swagger-ui.css": _SWAGGER_UI,
    "swagger-ui-bundle.js": _SWAGGER_UI,
    "favicon-32x32.png": _SWAGGER_UI,
}
# Swagger UI draws its arrows from data: URLs.
_POLICY: Final = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"


class Description(BaseModel):
    """The OpenAPI document that this is a part of."""

    model_config = shown_as({"openapi": "3.1.0", "info": {}, "paths": {}})

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


@blueprint.get("/openapi.json")
@operation(answers={200: Answer(Description)})
def get_openapi_document() -> Response:
    """Describe this API as OpenAPI 3.1."""
    response = Response(_document(), mimetype="application/json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/docs", strict_slashes=False)
@operation(answers={200: Answer(text={"text/html": "<!doctype html>..."})})
def get_docs() -> Response:
    """Show this API in a browser, with Swagger UI."""
    response = send_file(_OURS / "index.html", max_age=0)
    response.headers["Content-Security-Policy"] = _POLICY
    return response


@blueprint.get("/docs/<file>")
def get_docs_file(file: str) -> Response:
    """Return a file that the page at `/docs` is made of."""
    if file not in _FILES:
        raise NotFound
    return send_file(_FILES[file] / file, max_age=0)


def _document() -> str:
    """Return the document, which the first request for it has built."""
    built: str | None = current_app.extensions.get(_NAME)
    if built is None:
        built = current_app.extensions[_NAME] = json.dumps(build_document(current_app))
    return built
