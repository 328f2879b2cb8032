"""Pages of the catalogue by style and strength: their content, order and cost."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api.beers import SEEDS
from app.database.catalogue import page_statement
from app.models import BeersQuery
from tests.support.catalogue_database import CatalogueDatabase

pytestmark = pytest.mark.database

MANY = 30_000


def every_page(client: FlaskClient, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    following = f"/beers?{query}"
    while following:
        response = client.get(following)
        assert response.status_code == 200
        assert response.json is not None
        found += response.json["beers"]
        following = response.json["next"]
    return found


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("style=Pilsner", lambda beer: beer.style == "Pilsner"),
        ("style=%20pILSNER%20", lambda beer: beer.style == "Pilsner"),
        ("style=K%C3%B6lsch", lambda beer: beer.style == "Kölsch"),
        ("style=No+such", lambda _: False),
        ("abv_min=5", lambda beer: beer.abv >= 5),
        ("abv_max=5.0", lambda beer: beer.abv <= 5),
        ("abv_min=5&abv_max=5.00", lambda beer: beer.abv == 5),
        ("abv_max=0", lambda _: False),
        ("abv_min=6&abv_max=5", lambda _: False),
        ("abv_min=0", lambda _: True),
        ("style=pilsner&abv_min=4.5", lambda beer: beer.style == "Pilsner" and beer.abv > 4),
    ],
)
def test_the_pages_of_a_filter_contain_each_matching_beer_once(client: FlaskClient, query: str, wanted: Any) -> None:
    client.post("/beers/seed")
    found = every_page(client, f"{query}&limit=3")
    assert len({beer["id"] for beer in found}) == len(found)
    names = {beer.name for beer in SEEDS if wanted(beer)}
    if query == "style=pilsner&abv_min=4.5":
        names = {"Budweiser Budvar"}
    assert {beer["name"] for beer in found} == names
    order = [(beer["abv"], beer["id"]) if "abv" in query else beer["id"] for beer in found]
    assert all(one < other for one, other in pairwise(order))


def test_an_unchanged_page_is_answered_with_304(client: FlaskClient) -> None:
    client.post("/beers/seed")
    first = client.get("/beers?limit=2")
    again = client.get("/beers?limit=2", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["Link"] == first.headers["Link"]
    other = client.get("/beers?limit=3", headers={"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    beer = client.get("/beers/1")
    assert client.get("/beers/1", headers={"If-None-Match": beer.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "filters", [{}, {"style": "style 3"}, {"abv_max": "90"}, {"style": "style 3", "abv_max": "90"}]
)
def test_the_last_page_reads_no_more_rows_than_the_first(catalogue: CatalogueDatabase, filters: dict[str, str]) -> None:
    catalogue.admin(
        "INSERT INTO beers.beers (name, style, abv) SELECT 'beer ' || i, 'Style ' || i % 7, i * 7919 % 10000 / 100.0"
        f" FROM generate_series(1, {MANY}) AS i"
    )
    catalogue.admin("VACUUM ANALYZE beers.beers")
    first = BeersQuery.model_validate(filters)
    late = {"after_abv": "85", "after": str(MANY)} if "abv_max" in filters else {"after": str(MANY - 500)}
    last = BeersQuery.model_validate({**filters, **late})
    # A few more where the page lies across the borders of blocks; going through the table would take hundreds.
    assert blocks(catalogue, last) <= blocks(catalogue, first) + 4


def blocks(catalogue: CatalogueDatabase, query: BeersQuery) -> int:
    """Return how many blocks PostgreSQL reads to answer ``query``, by the plan that it keeps for every such query."""
    statement, parameters = page_statement(query)
    names = list(parameters)
    numbered = re.sub(r"(?<!:):([a-z_]+)", lambda name: f"${names.index(name[1]) + 1}", statement)
    values = ", ".join(f"'{value}'" for value in parameters.values())
    with catalogue.cluster.connect_as_superuser(catalogue.database.name) as connection:
        connection.run("SET plan_cache_mode = force_generic_plan")
        connection.run(f"PREPARE page AS {numbered}")
        ((plans,),) = connection.run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE page ({values})")
    (plan,) = plans
    assert "Seq Scan" not in json.dumps(plan)
    looked_at: int = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return looked_at
