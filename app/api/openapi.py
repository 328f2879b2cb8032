"""The OpenAPI document, generated from the operations and the types that validate their inputs, and its route."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema
from werkzeug.http import HTTP_STATUS_CODES

from app.api.operations import Operation, conditional, json_response
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


def openapi_document(operations: Iterable[Operation], *, version: str, requires_token: bool) -> dict[str, Any]:
    """Return the document of ``operations``, ready to be serialized as JSON."""
    schemas: dict[str, Any] = {}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _operation(operation, schemas, requires_token=requires_token)
        paths.setdefault(operation.template, {})[operation.method.lower()] = described
    components: dict[str, Any] = {"schemas": dict(sorted(schemas.items()))}
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


def _operation(operation: Operation, schemas: dict[str, Any], *, requires_token: bool) -> dict[str, Any]:
    is_guarded = operation.is_write and requires_token
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
    }
    if operation.description:
        described["description"] = operation.description
    parameters = [*_parameters(operation.path, "path"), *_parameters(operation.query, "query")]
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        content = {JSON: {"schema": _reference(operation.body, "validation", schemas)}}
        described["requestBody"] = {"required": True, "content": content}
    if is_guarded:
        described["security"] = [{_SCHEME: []}]
    described["responses"] = {
        str(operation.success.status.value): _success(operation, schemas),
        **({"304": {"description": "Not modified."}} if operation.is_conditional else {}),
        **{str(status.value): _problem(status, schemas) for status in _problems(operation, is_guarded=is_guarded)},
    }
    return described


def _problems(operation: Operation, *, is_guarded: bool) -> list[HTTPStatus]:
    statuses = set(operation.problems)
    if operation.is_conditional:
        statuses |= {HTTPStatus.PRECONDITION_FAILED}
    if operation.is_write:
        statuses |= {HTTPStatus.FORBIDDEN}
    if operation.query:
        statuses |= {HTTPStatus.UNPROCESSABLE_ENTITY}
    if operation.body:
        statuses |= {
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
        }
    if is_guarded:
        statuses |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE}
    return sorted(statuses)


def _parameters(model: type[BaseModel] | None, place: str) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(schema_generator=_Schemas, mode="validation")
    return [_parameter(name, place, field) for name, field in schema["properties"].items()]


def _parameter(name: str, place: str, field: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: value for key, value in field.items() if key not in {"title", "description"}}
    choices = schema.pop("anyOf", [])
    # A query string has no null: a parameter without a value is absent.
    schema.update(next((choice for choice in choices if choice != {"type": "null"}), {}))
    if schema.get("default", "") is None:
        del schema["default"]
    described = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return {**described, "description": field["description"]} if "description" in field else described


def _success(operation: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    success = operation.success
    headers = {**success.headers, **({"ETag": "Identifies this response."} if operation.is_conditional else {})}
    described = {
        "description": success.description,
        "content": {JSON: {"schema": _reference(success.model, "serialization", schemas)}},
    }
    return {**described, "headers": _headers(headers)} if headers else described


def _problem(status: HTTPStatus, schemas: dict[str, Any]) -> dict[str, Any]:
    described = {
        "description": _MEANINGS.get(status, HTTP_STATUS_CODES[status]),
        "content": {MEDIA_TYPE: {"schema": _reference(ProblemDocument, "serialization", schemas)}},
    }
    return {**described, "headers": _headers(_HEADERS[status])} if status in _HEADERS else described


def _headers(descriptions: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in descriptions.items()}


def _reference(model: type[BaseModel], mode: JsonSchemaMode, schemas: dict[str, Any]) -> dict[str, str]:
    if model.__name__ not in schemas:
        schema = model.model_json_schema(ref_template=_COMPONENTS, schema_generator=_Schemas, mode=mode)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    return {"$ref": _COMPONENTS.format(model=model.__name__)}
