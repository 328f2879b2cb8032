"""The catalogue's operations."""

import json
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from flask import Response
from pydantic import Field

from app.api.operations import Api, Operation, json_response
from app.api.problems import FieldError, Problem
from app.api.write_token import TokenGuard
from app.database.catalogue import Catalogue
from app.models import MAX_ID, Beer, BeerPage, BeersQuery, NewBeer, SeedReport

_RULE = "/beers"
_SEEDS = Path(__file__).with_name("seeds.json").read_text("utf-8")
SEEDS = tuple(NewBeer.model_validate(beer) for beer in json.loads(_SEEDS, parse_float=Decimal))


def beers_api(catalogue: Catalogue, guard: TokenGuard | None, *, seeding_is_allowed: bool) -> Api:
    """Return the operations below ``/beers``."""
    api = Api("beers", guard)

    @api.serves(
        Operation(
            "GET", _RULE, BeerPage, headers={"Link": 'The URL of the next page, as `rel="next"`.'}, is_conditional=True
        )
    )
    def list_beers(query: BeersQuery) -> Response:
        """A page of beers.

        In the order in which they were added or, with a limit of `abv`, from the weakest to the strongest. Follow
        `next` for the next page; every page takes the same time, however far back it is.
        """
        beers, next_page = catalogue.page(query)
        if next_page is None:
            return json_response(f'{{"beers": {beers}, "next": null}}')
        url = f"{_RULE}?{next_page}"
        return json_response(
            f'{{"beers": {beers}, "next": {json.dumps(url)}}}', headers={"Link": f'<{url}>; rel="next"'}
        )

    @api.serves(
        Operation(
            "GET", f"{_RULE}/<int(max={MAX_ID}):beer_id>", Beer, problems=(HTTPStatus.NOT_FOUND,), is_conditional=True
        )
    )
    def show_beer(beer_id: Annotated[int, Field(ge=0, le=MAX_ID)]) -> Response:
        """One beer."""
        beer = catalogue.beer(beer_id)
        if beer is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no-such-beer", f"There is no beer with the ID {beer_id}.")
        return json_response(beer)

    @api.serves(
        Operation(
            "POST",
            _RULE,
            Beer,
            HTTPStatus.CREATED,
            headers={"Location": "The URL of the beer."},
            problems=(HTTPStatus.CONFLICT,),
            is_write=True,
        )
    )
    def add_beer(body: NewBeer) -> Response:
        """Add a beer.

        Texts are stripped of surrounding space and normalized (NFC) before they are validated and stored.
        """
        added = catalogue.add(body)
        if added is None:
            raise Problem(
                HTTPStatus.CONFLICT,
                "name-taken",
                "The catalogue already has a beer of this name.",
                [FieldError("name", "Name should be unique; case is ignored")],
            )
        beer_id, beer = added
        return json_response(beer, HTTPStatus.CREATED, {"Location": f"{_RULE}/{beer_id}"})

    @api.serves(Operation("POST", f"{_RULE}/seed", SeedReport, is_write=True))
    def seed_beers() -> Response:
        """Add some well-known beers.

        Idempotent: beers whose names are in the catalogue stay as they are.
        """
        if not seeding_is_allowed:
            raise Problem(HTTPStatus.FORBIDDEN, "seeding-is-off", "Seeding is disabled (SEEDING=off).")
        inserted = catalogue.add_missing(SEEDS)
        return json_response(SeedReport(inserted=inserted, present=len(SEEDS) - inserted).model_dump_json())

    return api
