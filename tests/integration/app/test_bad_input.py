"""Invalid input always gets a problem document that names the field, never a 500."""

import json
import unicodedata
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import ValidationError
from werkzeug.test import TestResponse

from app.models import NewBeer

pytestmark = pytest.mark.database

GOOD: dict[str, Any] = {"name": "Good", "style": "Ale", "abv": 5}


def with_text(field: str, json_text: str) -> str:
    """A good body in which one field has this spelling."""
    others = json.dumps({name: value for name, value in GOOD.items() if name != field})
    return f'{others[:-1]}, "{field}": {json_text}}}'


BAD_BODIES = [
    pytest.param("", 400, {"body"}, id="empty"),
    pytest.param("{", 400, {"body"}, id="not JSON"),
    pytest.param(json.dumps(GOOD).encode("utf-16"), 400, {"body"}, id="UTF-16"),
    pytest.param(b'{"name": "\xff"}', 400, {"body"}, id="not UTF-8"),
    pytest.param("[" * 8000, 400, {"body"}, id="deep nesting"),
    pytest.param("[" * 8000 + "]" * 8000, 400, {"body"}, id="deep nesting, well-formed"),
    pytest.param('{"name": "a", "name": "b", "style": "Ale", "abv": 5}', 400, {"body"}, id="a key twice"),
    pytest.param("null", 422, {"body"}, id="null"),
    pytest.param("[]", 422, {"body"}, id="an array"),
    pytest.param("{}", 422, {"name", "style", "abv"}, id="nothing in it"),
    pytest.param(with_text("name", '""'), 422, {"name"}, id="an empty name"),
    pytest.param(with_text("name", '" \\t\\n\\u2003"'), 422, {"name"}, id="a blank name"),
    pytest.param(with_text("name", json.dumps("x" * 101)), 422, {"name"}, id="a long name"),
    pytest.param(with_text("name", json.dumps("\N{HEBREW LETTER SHIN WITH SHIN DOT}" * 60)), 422, {"name"}, id="long"),
    pytest.param(with_text("name", "7"), 422, {"name"}, id="a number as name"),
    pytest.param(with_text("name", "null"), 422, {"name"}, id="null as name"),
    pytest.param(with_text("name", '"a\\u0000b"'), 422, {"name"}, id="NUL"),
    pytest.param(with_text("name", '"a\\nb"'), 422, {"name"}, id="a line break"),
    pytest.param(with_text("name", '"\\ud800"'), 422, {"name"}, id="half a surrogate pair"),
    pytest.param(with_text("style", '""'), 422, {"style"}, id="an empty style"),
    pytest.param(with_text("style", json.dumps("x" * 51)), 422, {"style"}, id="a long style"),
    pytest.param(with_text("brewery", '""'), 422, {"brewery"}, id="an empty brewery"),
    pytest.param(with_text("brewery", "[]"), 422, {"brewery"}, id="an array as brewery"),
    pytest.param(with_text("abv", '"5.0"'), 422, {"abv"}, id="abv as text"),
    pytest.param(with_text("abv", "true"), 422, {"abv"}, id="true as abv"),
    pytest.param(with_text("abv", "null"), 422, {"abv"}, id="null as abv"),
    pytest.param(with_text("abv", "-0.01"), 422, {"abv"}, id="abv below 0"),
    pytest.param(with_text("abv", "100.01"), 422, {"abv"}, id="abv above 100"),
    pytest.param(with_text("abv", "5.123"), 422, {"abv"}, id="abv with three places"),
    pytest.param(with_text("abv", "1e400"), 422, {"abv"}, id="1e400"),
    pytest.param(with_text("abv", "1e-400"), 422, {"abv"}, id="1e-400"),
    pytest.param(with_text("abv", "1e99999999999999999999"), 400, {"body"}, id="an absurd exponent"),
    pytest.param(with_text("abv", "9" * 4000), 422, {"abv"}, id="4,000 digits"),
    pytest.param(with_text("abv", "9" * 5000), 400, {"body"}, id="more digits than Python reads"),
    pytest.param(with_text("abv", "NaN"), 422, {"abv"}, id="NaN"),
    pytest.param(with_text("abv", "Infinity"), 422, {"abv"}, id="Infinity"),
    pytest.param(with_text("abv", "-Infinity"), 422, {"abv"}, id="-Infinity"),
    pytest.param(with_text("id", "1"), 422, {"id"}, id="an ID that the client chose"),
    pytest.param(with_text("x" * 300, "1"), 422, {"x" * 100 + "..."}, id="a long unknown key"),
    pytest.param(with_text("\\ud800", "1"), 422, {"body"}, id="an unknown key that is not valid text"),
]


@pytest.mark.parametrize(("body", "status", "fields"), BAD_BODIES)
def test_a_bad_body_is_a_problem_that_names_the_field(
    client: FlaskClient, body: str | bytes, status: int, fields: set[str]
) -> None:
    response = client.post("/beers", data=body, content_type="application/json")
    assert response.status_code == status
    assert {error["field"] for error in problem(response)["errors"]} == fields
    assert client.get("/beers").json == {"beers": [], "next": None}


def test_names_are_visible_and_without_control_or_formatting_characters() -> None:
    refused = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cf", "Zl", "Zp"}]
    names = [*(f"a{character}b" for character in refused), "\u3164", "\u200c\u200d", "\u2800 \u115f"]
    accepted = []
    for name in names:
        with suppress(ValidationError):
            accepted.append(NewBeer(name=name, style="Ale", abv=Decimal(5)).name)
    assert accepted == ["a\u200cb", "a\u200db"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "http://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({}, 200),
    ],
)
def test_forms_of_other_sites_are_refused(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    assert client.post("/beers/seed", headers=headers).status_code == status


@pytest.mark.parametrize("path", ["/beers", "/openapi.json", "/assets/docs.css"])
def test_an_unchanged_document_is_answered_with_304_and_a_failed_condition_is_a_problem(
    client: FlaskClient, path: str
) -> None:
    etag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(path, headers={"If-Match": etag}).status_code == 200
    for headers in ({"If-Match": '"z"'}, {"If-Match": '"z"', "If-None-Match": etag}):
        refused = client.get(path, headers=headers)
        assert refused.status_code == 412
        problem(refused)


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_a_body_without_the_json_media_type_is_refused(client: FlaskClient, content_type: str | None) -> None:
    response = client.post("/beers", data=json.dumps(GOOD), content_type=content_type)
    assert response.status_code == 415
    assert response.headers["Accept-Post"] == "application/json"
    assert [error["field"] for error in problem(response)["errors"]] == ["Content-Type"]


def test_an_oversized_body_is_refused_at_one_byte_too_many(client: FlaskClient) -> None:
    body = json.dumps(GOOD)
    most = 16 * 1024
    response = client.post("/beers", data=body.ljust(most + 1), content_type="application/json")
    assert response.status_code == 413
    problem(response)
    assert client.post("/beers", data=body.ljust(most), content_type="application/json").status_code == 201


def test_the_number_of_reported_errors_is_limited(client: FlaskClient) -> None:
    response = client.post("/beers", json={f"key{number}": 1 for number in range(1000)})
    assert response.status_code == 422
    assert len(problem(response)["errors"]) == 20


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("limit=1_0", "limit"),
        ("limit=10.0", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=5&limit=6", "limit"),
        ("limit=" + "9" * 4000, "limit"),
        ("after=-1", "after"),
        ("after=9223372036854775808", "after"),
        ("offset=3", "offset"),
        ("style=", "style"),
        ("style=%20", "style"),
        ("style=a%00b", "style"),
        ("style=" + "x" * 51, "style"),
        ("abv_min=-1", "abv_min"),
        ("abv_min=100.01", "abv_min"),
        ("abv_min=5.123", "abv_min"),
        ("abv_min=5.", "abv_min"),
        ("abv_min=.5", "abv_min"),
        ("abv_min=1e1", "abv_min"),
        ("abv_min=NaN", "abv_min"),
        ("abv_min=1_0", "abv_min"),
        ("abv_min=" + "9" * 4000, "abv_min"),
        ("abv_max=%D9%A3", "abv_max"),
        ("after_abv=", "after_abv"),
        ("%00=3", "\x00"),
    ],
)
def test_a_bad_query_is_a_problem_that_names_the_parameter(client: FlaskClient, query: str, field: str) -> None:
    response = client.get(f"/beers?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in problem(response)["errors"]] == [field]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/beers/", 404),
        ("GET", "/beers//1", 404),
        ("GET", "/beers/one", 404),
        ("GET", "/beers/-1", 404),
        ("GET", "/beers/1/2", 404),
        ("DELETE", "/beers", 405),
        ("PUT", "/beers/1", 405),
        ("GET", "/beers/seed", 405),
        ("POST", "/livez", 405),
        ("BREW", "/beers", 405),
    ],
)
def test_unknown_routes_and_methods_are_problems_too(client: FlaskClient, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    problem(response)
    assert ("Allow" in response.headers) == (status == 405)


def test_hostile_text_is_stored_unchanged(client: FlaskClient) -> None:
    name = "Robert'); DROP TABLE beers.beers;-- %s :name <script> \\"
    added = client.post("/beers", json={**GOOD, "name": name})
    assert added.status_code == 201
    assert added.json is not None
    assert client.get(added.headers["Location"]).json == added.json
    assert added.json["name"] == name


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.mimetype == "application/problem+json"
    document = response.get_json()
    assert document["status"] == response.status_code
    assert document["type"].startswith("urn:taproom:problem:")
    assert document["title"]
    assert document["detail"]
    assert "<" not in document["detail"]
    return dict(document)
