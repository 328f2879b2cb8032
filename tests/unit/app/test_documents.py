"""The OpenAPI document, the pages and their files."""

import json
import re

import pytest
from flask import Flask

from app import create_app
from app.settings import Settings

URL = "postgresql://me:hidden@localhost:9/beers"
PAGES = {"/", "/docs", "/openapi.json", "/assets/<name>"}


@pytest.fixture
def app() -> Flask:
    return create_app(Settings(database_url=URL))


def test_the_openapi_document_contains_exactly_the_routes(app: Flask) -> None:
    served = {
        (re.sub(r"<.*?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in PAGES
    }
    paths = app.test_client().get("/openapi.json").get_json()["paths"]
    assert served == {(path, method.upper()) for path, methods in paths.items() for method in methods}


def test_every_error_response_in_the_openapi_document_is_defined(app: Flask) -> None:
    text = app.test_client().get("/openapi.json").text
    referenced = set(re.findall(r"#/components/responses/(\w+)", text))
    assert referenced <= json.loads(text)["components"]["responses"].keys()
    assert {"400", "404", "503"} <= referenced


def test_the_openapi_document_contains_the_limits_of_the_types(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    limits = {
        parameter["name"]: (parameter["schema"]["minimum"], parameter["schema"]["maximum"])
        for parameter in document["paths"]["/beers"]["get"]["parameters"]
        if parameter["schema"]["type"] != "string"
    }
    percent = (0, 100)
    assert limits == {
        "limit": (1, 200),
        "after": (0, 2**63 - 1),
        **dict.fromkeys(("abv_min", "abv_max", "after_abv"), percent),
    }
    name = document["components"]["schemas"]["NewBeer"]["properties"]["name"]
    assert (name["minLength"], name["maxLength"]) == (1, 100)


def test_the_openapi_document_requires_a_token_exactly_for_guarded_operations(app: Flask) -> None:
    def security(app: Flask) -> dict[str, bool]:
        paths = app.test_client().get("/openapi.json").get_json()["paths"]
        operations = [operation for methods in paths.values() for operation in methods.values()]
        return {operation["operationId"]: "security" in operation for operation in operations}

    guarded = create_app(Settings(database_url=URL, write_token="x" * 20))
    assert not any(security(app).values())
    assert {name for name, asks in security(guarded).items() if asks} == {"addBeer", "seedBeers"}


@pytest.mark.parametrize("name", ["nothing.css", "..%2f..%2fapp%2fsettings.py", "%2fetc%2fpasswd"])
def test_only_listed_files_are_served(app: Flask, name: str) -> None:
    response = app.test_client().get(f"/assets/{name}")
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")


def test_the_docs_page_loads_only_local_files(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/docs")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert loaded
    assert {client.get(path).status_code for path in loaded} == {200}
