"""``/openapi.json`` for programs, and the same to browse and try out at ``/docs``."""

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from flask import Blueprint, Response, request

from app.api.operations import json_response
from app.web.html import html_response


def documentation_blueprint(document: Mapping[str, Any]) -> Blueprint:
    """The routes that show ``document``."""
    blueprint = Blueprint("documentation", __name__)
    text = json.dumps(document)
    tag = blake2b(text.encode(), digest_size=12).hexdigest()

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        response = json_response(text)
        response.set_etag(tag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response

    @blueprint.get("/docs")
    def docs() -> Response:
        return html_response("docs.html")

    return blueprint
