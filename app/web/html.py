"""What pages for people have in common: their files, and a policy under which nothing else is loaded or run."""

from functools import cache
from hashlib import blake2b
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template, request

from app.api.problems import plain_problem

# No script or style but from the files below, none within a page, no form to elsewhere, no frame around it.
# Swagger UI's own pictures are data: addresses within its style sheet.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_OWN = Path(__file__).with_name("static")
# A package that exists for another framework, and carries Swagger UI's own build; nothing of it runs here.
_SWAGGER = Path(str(files("flask_openapi_swagger") / "templates" / "swagger"))

_FILES = {
    **{name: _OWN / name for name in ("page.css", "page.js", "docs.css", "docs.js", "icon.svg")},
    "swagger-ui.css": _SWAGGER / "css" / "swagger-ui.css",
    "swagger-ui.js": _SWAGGER / "js" / "swagger-ui-bundle.js",
}


_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def html_response(template: str, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
    """The page that ``template`` makes of ``values``."""
    response = make_response(render_template(template, **values), status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    return response


def assets_blueprint() -> Blueprint:
    """``/assets``: style sheets, scripts and pictures. A browser asks again each time, and mostly hears 304."""
    blueprint = Blueprint("assets", __name__)

    @blueprint.get("/assets/<name>")
    def asset(name: str) -> Response:
        if name not in _FILES:
            raise plain_problem(HTTPStatus.NOT_FOUND, "There is no such file.")
        content, tag = _read(_FILES[name])
        response = Response(content, mimetype=_TYPES[_FILES[name].suffix])
        response.set_etag(tag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response

    return blueprint


@cache
def _read(file: Path) -> tuple[bytes, str]:
    """The content and a name for it; read once, for no file changes while the service runs."""
    content = file.read_bytes()
    return content, blake2b(content, digest_size=12).hexdigest()
