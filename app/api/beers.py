"""The catalogue's operations and their routes."""

import json
from http import HTTPStatus
from typing import Annotated

from flask import Blueprint, Response
from pydantic import BaseModel, Field

from app.api.operations import Operation, Success, json_response, serve
from app.api.problems import FieldError, Problem
from app.api.seeds import SEEDS
from app.api.write_token import TokenGuard
from app.database.catalogue import Catalogue
from app.models import MAX_ID, Beer, BeerPage, BeersQuery, NewBeer, SeedReport


class BeerPath(BaseModel):
    """The path of a beer."""

    beer_id: Annotated[int, Field(ge=0, le=MAX_ID)]


LIST_BEERS = Operation(
    name="listBeers",
    method="GET",
    rule="/beers",
    summary="A page of beers",
    description="In the order in which they were added or, with a limit of `abv`, from the weakest to the strongest. "
    "Follow `next` for the next page; every page takes the same time, however far back it is.",
    query=BeersQuery,
    success=Success("The page.", BeerPage, headers={"Link": 'The URL of the next page, as `rel="next"`.'}),
    problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    is_conditional=True,
)
SHOW_BEER = Operation(
    name="showBeer",
    method="GET",
    rule=f"/beers/<int(max={MAX_ID}):beer_id>",
    summary="One beer",
    path=BeerPath,
    success=Success("The beer.", Beer),
    problems=(HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE),
    is_conditional=True,
)
ADD_BEER = Operation(
    name="addBeer",
    method="POST",
    rule="/beers",
    summary="Add a beer",
    description="Texts are stripped of surrounding space and normalized (NFC) before they are validated and stored.",
    body=NewBeer,
    success=Success("The beer as stored.", Beer, HTTPStatus.CREATED, {"Location": "The URL of the beer."}),
    problems=(HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE),
    is_write=True,
)
SEED_BEERS = Operation(
    name="seedBeers",
    method="POST",
    rule="/beers/seed",
    summary="Add some well-known beers",
    description="Idempotent: beers whose names are in the catalogue stay as they are.",
    success=Success("The result.", SeedReport),
    problems=(HTTPStatus.SERVICE_UNAVAILABLE,),
    is_write=True,
)
OPERATIONS = (LIST_BEERS, SHOW_BEER, ADD_BEER, SEED_BEERS)


def beers_blueprint(catalogue: Catalogue, guard: TokenGuard | None, *, seeding_is_allowed: bool) -> Blueprint:
    """Return the routes below ``/beers``."""
    blueprint = Blueprint("beers", __name__)

    def list_beers(query: BeersQuery) -> Response:
        page = catalogue.page(query)
        if page.last is None:
            return json_response(f'{{"beers": {page.beers}, "next": null}}')
        following = f"{LIST_BEERS.rule}?{query.following(page.last)}"
        text = f'{{"beers": {page.beers}, "next": {json.dumps(following)}}}'
        return json_response(text, headers={"Link": f'<{following}>; rel="next"'})

    def show_beer(beer_id: int) -> Response:
        beer = catalogue.beer(beer_id)
        if beer is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-beer", f"There is no beer with the ID {beer_id}.")
        return json_response(beer)

    def add_beer(body: NewBeer) -> Response:
        added = catalogue.add(body)
        if added is None:
            raise Problem(
                HTTPStatus.CONFLICT,
                "name-taken",
                "The catalogue already has a beer of this name.",
                [FieldError("name", "Name should be unique; case is ignored")],
            )
        return json_response(added.beer, HTTPStatus.CREATED, {"Location": f"/beers/{added.id}"})

    def seed_beers() -> Response:
        if not seeding_is_allowed:
            raise Problem(HTTPStatus.FORBIDDEN, "seeding-is-off", "Seeding is disabled (SEEDING=off).")
        inserted = catalogue.add_missing(SEEDS)
        return json_response(SeedReport(inserted=inserted, present=len(SEEDS) - inserted).model_dump_json())

    for operation, view in (
        (LIST_BEERS, list_beers),
        (SHOW_BEER, show_beer),
        (ADD_BEER, add_beer),
        (SEED_BEERS, seed_beers),
    ):
        serve(blueprint, operation, view, guard)
    return blueprint
