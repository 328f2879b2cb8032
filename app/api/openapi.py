"""The OpenAPI document, generated from the operations and the types that validate their inputs, and its route."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema
from werkzeug.http import HTTP_STATUS_CODES

from app.api.operations import Api, Operation, conditional, json_response
from app.api.problems import MEDIA_TYPE, ProblemDocument
from app.api.requests import JSON

OPENAPI_VERSION = "3.1.0"
_COMPONENTS = "#/components/schemas/{model}"
_SCHEME = "writeToken"

_DESCRIPTION = """\
A small catalogue of beers. Every error response is a problem document (RFC 9457): `type` identifies the error for
programs, `detail` describes it for people, `errors` lists the fields that are not valid, and `request_id` is the
request's ID in the log.
"""

_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The request cannot be parsed.",
    HTTPStatus.UNAUTHORIZED: "The write token is missing or not valid.",
    HTTPStatus.FORBIDDEN: "Disabled in this environment, or sent by a web page of another site.",
    HTTPStatus.NOT_FOUND: "Not found.",
    HTTPStatus.CONFLICT: "The name is taken.",
    HTTPStatus.PRECONDITION_FAILED: "The response has no ETag of `If-Match`.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The media type of the body is not JSON.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Some of the input is not valid.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Unavailable right now; retry after `Retry-After` seconds.",
}
# Of operations with a body.
_BODY_PROBLEMS = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
# Headers of error responses.
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "How to authenticate."},
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: {"Accept-Post": "The media type to send."},
}


class _Schemas(GenerateJsonSchema):
    """Describes decimals as JSON numbers, because that is how this API reads and writes them."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Return a number with the limits of its type and, for inputs, its decimal places."""
        number: JsonSchemaValue = {"type": "number"}
        limits = {"minimum": schema.get("ge"), "maximum": schema.get("le")}
        number.update({name: int(limit) for name, limit in limits.items() if limit is not None})
        if self.mode == "validation" and "decimal_places" in schema:
            number["multipleOf"] = 10.0 ** -schema["decimal_places"]
        return number


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
            paths.setdefault(operation.template, {})[operation.method.lower()] = named | described
    _, schemas = models_json_schema(sorted(models, key=str), ref_template=_COMPONENTS, schema_generator=_Schemas)
    components: dict[str, Any] = {"schemas": schemas["$defs"]}
    if requires_token:
        components["securitySchemes"] = {_SCHEME: {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Taproom",
            "version": version,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": components,
    }


def _operation(operation: Operation, inputs: Mapping[str, Any], *, is_guarded: bool) -> dict[str, Any]:
    described: dict[str, Any] = {}
    problems = {HTTPStatus.SERVICE_UNAVAILABLE, *operation.problems}
    headers = dict(operation.headers)
    responses: dict[int, Any] = {}
    if operation.is_conditional:
        headers["ETag"] = "Identifies this response."
        responses[HTTPStatus.NOT_MODIFIED.value] = {"description": "Not modified."}
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
    responses[operation.status.value] = _response(operation.response.__doc__ or "", headers, JSON, operation.response)
    for status in problems:
        meaning = _MEANINGS.get(status, HTTP_STATUS_CODES[status])
        responses[status.value] = _response(meaning, _HEADERS.get(status, {}), MEDIA_TYPE, ProblemDocument)
    return {**described, "responses": {str(status): responses[status] for status in sorted(responses)}}


def _parameters(inputs: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, annotation in inputs.items():
        if name in {"body", "return"}:
            continue
        schema = TypeAdapter(annotation).json_schema(schema_generator=_Schemas)
        if name != "query":
            yield {"name": name, "in": "path", "required": True, "schema": schema}
            continue
        for parameter, described in schema["properties"].items():
            del described["title"]
            description = described.pop("description")
            # A query string has no null: a parameter without a value is absent.
            without_null = described.get("anyOf", [described])[0]
            yield {"name": parameter, "in": "query", "description": description, "schema": without_null}


def _response(description: str, headers: Mapping[str, str], media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    described = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"description": description, "headers": described, "content": _content(media_type, model)}


def _content(media_type: str, model: type[BaseModel]) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _COMPONENTS.format(model=model.__name__)}}}
