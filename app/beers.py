"""The routes of the catalogue."""

import json
from http import HTTPStatus

from flask import Blueprint, Response, request

from app.catalogue import Catalogue
from app.models import LARGEST_ID, NewBeer, PageQuery
from app.parsing import JSON, parse_body, parse_query
from app.problems import FieldError, Problem
from app.seeds import SEEDS


def beers_blueprint(catalogue: Catalogue) -> Blueprint:
    """``/beers`` and what lies below it, on top of ``catalogue``."""
    blueprint = Blueprint("beers", __name__, url_prefix="/beers")

    @blueprint.get("")
    def list_beers() -> Response:
        """A page of beers in the order of their ids, and the address of the next page."""
        query = parse_query(PageQuery, request)
        page = catalogue.page(limit=query.limit, after=query.after)
        if page.next_after is None:
            return Response(f'{{"beers": {page.beers}, "next": null}}', mimetype=JSON)
        following = f"/beers?limit={query.limit}&after={page.next_after}"
        response = Response(f'{{"beers": {page.beers}, "next": {json.dumps(following)}}}', mimetype=JSON)
        response.headers["Link"] = f'<{following}>; rel="next"'
        return response

    @blueprint.get(f"/<int(max={LARGEST_ID}):beer_id>")
    def show_beer(beer_id: int) -> Response:
        """One beer."""
        beer = catalogue.beer(beer_id)
        if beer is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-beer", f"There is no beer with the id {beer_id}.")
        return Response(beer, mimetype=JSON)

    @blueprint.post("")
    def add_beer() -> Response:
        """Add a beer."""
        added = catalogue.add(parse_body(NewBeer, request))
        if added is None:
            raise Problem(
                HTTPStatus.CONFLICT,
                "name-taken",
                "A beer of this name is in the catalogue already.",
                [FieldError("name", "Name should not be taken; upper and lower case are the same")],
            )
        location = {"Location": f"/beers/{added.id}"}
        return Response(added.beer, status=HTTPStatus.CREATED, mimetype=JSON, headers=location)

    @blueprint.post("/seed")
    def seed() -> dict[str, int]:
        """Fill the catalogue with well-known beers; those that are there already stay as they are."""
        inserted = catalogue.add_missing(SEEDS)
        return {"inserted": inserted, "present": len(SEEDS) - inserted}

    return blueprint
