"""The HTML pages, ``/`` and ``/docs``, and the files that they load from ``/assets``.

The catalogue's page, its filter and its paging are rendered here and need no script. To add a beer and to seed,
static/page.js calls the API, and shows the API's errors next to the fields.
"""

import json
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, render_template, request
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from app.api.operations import conditional
from app.api.problems import MEDIA_TYPE, RETRY_AFTER_SECONDS, http_error, log_database_unavailable, plain_problem
from app.api.requests import JSON, field_errors
from app.database.catalogue import Catalogue
from app.database.pool import DatabaseUnavailableError
from app.models import BeersQuery

_PAGE_SIZE = 20
_STRENGTH = "Enter a number from 0 to 100 with at most two decimal places, such as 4.5."
_FILTER_ERRORS = {
    "style": "Enter a style of 1 to 50 characters, at least one of them visible.",
    "abv_min": _STRENGTH,
    "abv_max": _STRENGTH,
}
# The suggestions of the style filter, which accepts any text.
_MAX_STYLES = 200

# Scripts and styles only from the files below, none inline, no form to another host, no embedding in a frame.
# Swagger UI's images are data: URLs in its style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_STATIC = Path(__file__).with_name("static")
# This package, made for another framework, contains Swagger UI's build; none of its code runs here.
_SWAGGER = Path(str(files("flask_openapi_swagger") / "templates" / "swagger"))
_FILES = {
    **{name: (_STATIC / name).read_bytes() for name in ("page.css", "page.js", "docs.css", "docs.js", "icon.svg")},
    "swagger-ui.css": (_SWAGGER / "css" / "swagger-ui.css").read_bytes(),
    "swagger-ui.js": (_SWAGGER / "js" / "swagger-ui-bundle.js").read_bytes(),
}
# Not guessed: the mapping of the mimetypes module depends on the system.
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def pages_blueprint(catalogue: Catalogue, *, requires_token: bool, seeding_is_allowed: bool) -> Blueprint:
    """Return the routes of the pages and their files."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.get("/")
    def page() -> Response:
        status, view = _view(catalogue)
        response = _html(
            "page.html", status, view=view, requires_token=requires_token, seeding_is_allowed=seeding_is_allowed
        )
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    @blueprint.get("/docs")
    def docs() -> Response:
        return _html("docs.html")

    @blueprint.app_errorhandler(HTTPStatus.NOT_FOUND)
    def not_found(error: HTTPException) -> Response:
        # On equal terms, such as */*, the first wins.
        accepted = request.accept_mimetypes.best_match([JSON, MEDIA_TYPE, "text/html"])
        response = _html("not_found.html", HTTPStatus.NOT_FOUND) if accepted == "text/html" else http_error(error)
        response.vary.add("Accept")
        return response

    @blueprint.get("/assets/<name>")
    def asset(name: str) -> Response:
        if name not in _FILES:
            raise plain_problem(HTTPStatus.NOT_FOUND, "There is no such file.")
        return conditional(Response(_FILES[name], mimetype=_MEDIA_TYPES[Path(name).suffix]))

    return blueprint


def _view(catalogue: Catalogue) -> tuple[HTTPStatus, dict[str, Any]]:
    """Return the status and the content of the catalogue's page."""
    # A form also sends its empty fields.
    given = {name: value for name, value in request.args.items() if value.strip()}
    view: dict[str, Any] = {
        "given": given,
        "errors": {},
        "is_filtered": not given.keys().isdisjoint(_FILTER_ERRORS),
        "is_first": "after" not in given,
        "start": urlencode({name: value for name, value in given.items() if not name.startswith("after")}),
    }
    try:
        decimals = {name: given[name].strip().replace(",", ".") for name in ("abv_min", "abv_max") if name in given}
        query = BeersQuery.model_validate({"limit": str(_PAGE_SIZE), **given, **decimals})
    except ValidationError as error:
        errors = {wrong.field: _FILTER_ERRORS.get(wrong.field, wrong.message) for wrong in field_errors(error)}
        return HTTPStatus.UNPROCESSABLE_ENTITY, {**view, "errors": errors}
    if query.abv_min is not None and query.abv_max is not None and query.abv_min > query.abv_max:
        errors = {"abv_max": "Enter a number that is not lower than the first one."}
        return HTTPStatus.UNPROCESSABLE_ENTITY, {**view, "errors": errors}
    try:
        beers, next_page = catalogue.page(query)
        styles = catalogue.styles(_MAX_STYLES)
    except DatabaseUnavailableError as error:
        log_database_unavailable(error)
        return HTTPStatus.SERVICE_UNAVAILABLE, {**view, "is_unavailable": True}
    return HTTPStatus.OK, {**view, "beers": json.loads(beers), "next_page": next_page, "styles": styles}


def _html(template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
    response = make_response(render_template(template, **values), status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response
