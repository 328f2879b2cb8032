"""``/``: the catalogue for people.

A page, its filter and its paging are made here and need no script. Adding a beer and seeding are the API's own
operations, called by assets/page.js, which shows what the API says beside the fields.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from pydantic import ValidationError

from app.api.problems import RETRY_AFTER_SECONDS, log_database_unavailable
from app.api.requests import field_errors
from app.database.catalogue import Catalogue
from app.database.pool import DatabaseUnavailableError
from app.models import BeersQuery
from app.web.html import html_response

_BEERS_IN_A_PAGE = 20
# More would not help somebody who chooses one; the field takes any text.
_STYLES_TO_CHOOSE_FROM = 200


@dataclass(frozen=True)
class _View:
    """What the page shows.

    Attributes:
        given: what the filter's fields hold.
        errors: what is wrong with a field of the filter, by its name.
        beers: the beers of this page.
        following: the address of the next page, if there is one.
        styles: what the filter suggests.
        is_unavailable: whether the catalogue could not be read.
    """

    given: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    beers: list[dict[str, Any]] = field(default_factory=list)
    following: str | None = None
    styles: list[str] = field(default_factory=list)
    is_unavailable: bool = False

    @property
    def is_filtered(self) -> bool:
        """Whether beers may have been left out."""
        return any(self.given.get(name) for name in ("style", "abv_min", "abv_max"))

    @property
    def start(self) -> str:
        """The query string of the first page with the same filter."""
        return urlencode({name: value for name, value in self.given.items() if not name.startswith("after")})

    @property
    def is_first(self) -> bool:
        """Whether no page comes before this one."""
        return not self.given.get("after")


def page_blueprint(catalogue: Catalogue, *, asks_for_token: bool, seeding_is_allowed: bool) -> Blueprint:
    """The page of ``catalogue``."""
    blueprint = Blueprint("page", __name__)

    @blueprint.get("/")
    def page() -> Response:
        view = _look(catalogue)
        status = HTTPStatus.OK
        if view.errors:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        if view.is_unavailable:
            status = HTTPStatus.SERVICE_UNAVAILABLE
        response = html_response(
            "page.html", status, view=view, asks_for_token=asks_for_token, seeding_is_allowed=seeding_is_allowed
        )
        if view.is_unavailable:
            response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response

    return blueprint


def _look(catalogue: Catalogue) -> _View:
    # A form sends its empty fields too.
    given = {name: value for name, value in request.args.items() if value.strip()}
    try:
        query = BeersQuery.model_validate({"limit": str(_BEERS_IN_A_PAGE), **given})
    except ValidationError as error:
        return _View(given, errors={wrong.field: wrong.message for wrong in field_errors(error)})
    try:
        page = catalogue.page(query)
        styles = catalogue.styles(_STYLES_TO_CHOOSE_FROM)
    except DatabaseUnavailableError as error:
        log_database_unavailable(error)
        return _View(given, is_unavailable=True)
    following = None if page.last is None else f"/?{query.following(page.last)}"
    return _View(given, beers=json.loads(page.beers), following=following, styles=styles)
