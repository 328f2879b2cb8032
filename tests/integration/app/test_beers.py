"""The catalogue's routes on a real database."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api.beers import SEEDS
from app.database import pool
from tests.support.catalogue_database import CatalogueDatabase

pytestmark = pytest.mark.database

PILS: dict[str, Any] = {"name": "Testbräu", "style": "Pilsner", "brewery": "Test & Söhne", "abv": 4.9}


def test_an_added_beer_is_at_its_location_and_in_the_list(client: FlaskClient) -> None:
    added = client.post("/beers", json=PILS)
    assert added.status_code == 201
    assert added.json is not None
    assert {name: added.json[name] for name in PILS} == PILS
    assert client.get(added.headers["Location"]).json == added.json
    assert client.get("/beers").json == {"beers": [added.json], "next": None}


def test_abv_has_two_decimal_places_and_time_is_utc(client: FlaskClient) -> None:
    text = client.post("/beers", json={**PILS, "abv": 5}).text
    assert '"abv":5.00' in text
    assert json.loads(text)["created_at"].endswith("+00:00")


@pytest.mark.parametrize("name", ["Testbräu", "TESTBRÄU", "  testbräu\n", "testbra\N{COMBINING DIAERESIS}u"])
def test_names_are_unique_regardless_of_case_and_normalization(client: FlaskClient, name: str) -> None:
    assert client.post("/beers", json=PILS).status_code == 201
    refused = client.post("/beers", json={**PILS, "name": name})
    assert refused.status_code == 409
    assert refused.mimetype == "application/problem+json"
    assert refused.json is not None
    assert [error["field"] for error in refused.json["errors"]] == ["name"]


def test_concurrent_requests_with_one_name_add_one_beer(service: Flask) -> None:
    def add(_: int) -> int:
        return service.test_client().post("/beers", json=PILS).status_code

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(add, range(8))) == [201] + [409] * 7


@pytest.mark.parametrize("limit", [7, pytest.param(len(SEEDS), id="an exactly full page")])
def test_pages_are_in_the_order_of_ids(client: FlaskClient, limit: int) -> None:
    client.post("/beers/seed")
    seen: list[int] = []
    following: str | None = f"/beers?limit={limit}"
    pages = 0
    while following:
        response = client.get(following)
        assert response.json is not None
        seen += [beer["id"] for beer in response.json["beers"]]
        following = response.json["next"]
        assert (f'<{following}>; rel="next"' if following else None) == response.headers.get("Link")
        pages += 1
    assert pages == -(-len(SEEDS) // limit)
    assert len(seen) == len(SEEDS)
    assert seen == sorted(set(seen))


def test_the_default_page_size_is_fifty(client: FlaskClient, catalogue: CatalogueDatabase) -> None:
    catalogue.admin(
        "INSERT INTO beers.beers (name, style, abv) SELECT 'beer ' || i, 'Ale', 5 FROM generate_series(1, 60) AS i"
    )
    response = client.get("/beers")
    assert response.json is not None
    assert len(response.json["beers"]) == 50
    assert response.json["next"] == f"/beers?limit=50&after={response.json['beers'][-1]['id']}"


def test_seeding_is_idempotent(client: FlaskClient) -> None:
    assert client.post("/beers/seed").json == {"inserted": len(SEEDS), "present": 0}
    first = client.get("/beers").json
    assert client.post("/beers/seed").json == {"inserted": 0, "present": len(SEEDS)}
    assert client.get("/beers").json == first


def test_concurrent_seeding_is_idempotent(service: Flask) -> None:
    def seed(_: int) -> dict[str, int]:
        response = service.test_client().post("/beers/seed")
        assert response.status_code == 200
        assert response.json is not None
        return dict(response.json)

    with ThreadPoolExecutor(8) as threads:
        reports = list(threads.map(seed, range(8)))
    assert sum(report["inserted"] for report in reports) == len(SEEDS)
    assert {report["inserted"] + report["present"] for report in reports} == {len(SEEDS)}
    listed = service.test_client().get("/beers").json
    assert listed is not None
    assert sorted(beer["name"] for beer in listed["beers"]) == sorted(beer.name for beer in SEEDS)


def test_seeding_does_not_change_existing_beers(client: FlaskClient) -> None:
    mine = client.post("/beers", json={"name": "PUNK IPA", "style": "mine", "abv": 1}).json
    assert client.post("/beers/seed").json == {"inserted": len(SEEDS) - 1, "present": 1}
    assert mine is not None
    assert client.get(f"/beers/{mine['id']}").json == mine


@pytest.mark.parametrize("place", ["/beers/1", "/beers/0", "/beers/9223372036854775807", "/beers/9223372036854775808"])
def test_an_unknown_beer_is_a_404_problem(client: FlaskClient, place: str) -> None:
    response = client.get(place)
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("name, style, abv", "'', 'Ale', 5"),
        ("name, style, abv", "' padded', 'Ale', 5"),
        ("name, style, abv", "repeat('x', 101), 'Ale', 5"),
        ("name, style, abv", "'x', repeat('x', 51), 5"),
        ("name, style, brewery, abv", "'x', 'Ale', '', 5"),
        ("name, style, abv", "'x', 'Ale', -0.01"),
        ("name, style, abv", "'x', 'Ale', 100.01"),
        ("name, style, abv", "'x', 'Ale', 'NaN'"),
        ("name, style", "'x', 'Ale'"),
    ],
)
def test_database_constraints_refuse_invalid_beers(catalogue: CatalogueDatabase, columns: str, values: str) -> None:
    with pytest.raises(Exception, match=r"23514|23502|22003"):
        catalogue.admin(f"INSERT INTO beers.beers ({columns}) VALUES ({values})")


def test_only_statements_of_recorded_traces_carry_the_request_s_ids(
    client: FlaskClient, catalogue: CatalogueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "COMMENT_SECONDS", 3600)

    def last_statement(flags: str) -> str:
        client.get("/beers/1", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-{flags}"})
        ((statement,),) = catalogue.cluster.admin(
            "SELECT query FROM pg_stat_activity WHERE datname = :name AND query LIKE '%row_to_json(beer)%' "
            "AND pid <> pg_backend_pid()",
            name=catalogue.database.name,
        )
        return str(statement).strip()

    assert last_statement("00").endswith("FROM beer")
    comment = rf"FROM beer\s+/\*request_id='\w+',traceparent='00-{'a' * 32}-\w{{16}}-01'\*/$"
    assert re.search(comment, last_statement("01"))
    # They are not prepared, so few of them are accepted.
    assert last_statement("01").endswith("FROM beer")
