"""The OpenAPI document, generated from the operations and the types that validate their inputs, and its route."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.api.operations import Api, Operation, conditional, json_response
from app.api.problems import MEDIA_TYPE, ProblemDocument
from app.api.requests import JSON

# The parts of the document that depend on no operation, among them the error responses.
_BASE = Path(__file__).with_name("openapi_base.json")
_COMPONENTS = "#/components/schemas/{model}"
_SCHEME = "writeToken"

# Of operations with a body.
_BODY_PROBLEMS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


def openapi_blueprint(document: Mapping[str, Any]) -> Blueprint:
    """Return the route ``/openapi.json``, which serves ``document``."""
    blueprint = Blueprint("openapi", __name__)
    text = json.dumps(document)

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return conditional(json_response(text))

    return blueprint


def openapi_document(*apis: Api, version: str, requires_token: bool) -> dict[str, Any]:
    """Return the document of all operations of ``apis``, ready to be serialized as JSON."""
    models: set[tuple[type[BaseModel], JsonSchemaMode]] = {(ProblemDocument, "serialization")}
    paths: dict[str, dict[str, Any]] = {}
    for api in apis:
        for operation, view in api.operations:
            models.add((operation.response, "serialization"))
            inputs = view.__annotations__
            if "body" in inputs:
                models.add((inputs["body"], "validation"))
            described = _operation(operation, inputs, is_guarded=operation.is_write and requires_token)
            summary, _, description = (inspect.getdoc(view) or "").partition("\n\n")
            named = {
                "operationId": re.sub(r"_(.)", lambda match: match[1].upper(), view.__name__),
                "summary": summary.removesuffix("."),
                "description": description,
                "tags": [api.name.capitalize()],
            }
            path = re.sub(r"<(?:[^>]*:)?(\w+)>", r"{\1}", operation.rule)
            paths.setdefault(path, {})[operation.method.lower()] = named | described
    _, schemas = models_json_schema(sorted(models, key=str), ref_template=_COMPONENTS)
    document: dict[str, Any] = json.loads(_BASE.read_text("utf-8"))
    document["info"]["version"] = version
    document["paths"] = paths
    components = document["components"]
    components["schemas"] = schemas["$defs"]
    for response in components["responses"].values():
        response["content"] = _content(MEDIA_TYPE, ProblemDocument)
    if requires_token:
        components["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    return document


def _operation(operation: Operation, inputs: Mapping[str, Any], *, is_guarded: bool) -> dict[str, Any]:
    described: dict[str, Any] = {}
    problems = {HTTPStatus.SERVICE_UNAVAILABLE, *operation.problems}
    headers = dict(operation.headers)
    responses: dict[str, Any] = {}
    if operation.is_conditional:
        headers["ETag"] = "Identifies this response."
        responses["304"] = {"description": "Not modified."}
        problems.add(HTTPStatus.PRECONDITION_FAILED)
    if operation.is_write:
        problems.add(HTTPStatus.FORBIDDEN)
    if is_guarded:
        problems.add(HTTPStatus.UNAUTHORIZED)
        described["security"] = [{_SCHEME: []}]
    if "query" in inputs:
        problems.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if "body" in inputs:
        problems |= _BODY_PROBLEMS
        described["requestBody"] = {"required": True, "content": _content(JSON, inputs["body"])}
    described["parameters"] = list(_parameters(inputs))
    responses[str(operation.status.value)] = {
        "description": operation.response.__doc__ or "",
        "headers": {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()},
        "content": _content(JSON, operation.response),
    }
    responses |= {str(status.value): {"$ref": f"#/components/responses/{status.value}"} for status in problems}
    return {**described, "responses": dict(sorted(responses.items()))}


def _parameters(inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, annotation in inputs.items():
        if name in {"body", "return"}:
            continue
        schema = TypeAdapter(annotation).json_schema()
        if name != "query":
            yield {"name": name, "in": "path", "required": True, "schema": schema}
            continue
        for parameter, described in schema["properties"].items():
            del described["title"]
            description = described.pop("description")
            # A query string has no null: a parameter without a value is absent.
            without_null = described.get("anyOf", [described])[0]
            yield {"name": parameter, "in": "query", "description": description, "schema": without_null}


def _content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _COMPONENTS.format(model=model.__name__)}}}
